"""Adding, changing, checking, syncing and forgetting servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit_app.actors import SYSTEM, Actor
from audit_app.services import record_action
from models_app import checks
from models_app.choices import AuthKind, OnConflict, ServerStatus
from models_app.endpoints import endpoint_of
from models_app.events import announce_server, announce_server_removed
from models_app.models import OllamaModel, OllamaServer
from models_app.pulls import PULL_QUEUE
from models_app.querysets import SEEN
from models_app.same_servers import ASKED_AT
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.lib.netguard import check_url, ssl_context
from tasks_app import services as tasks
from tasks_app.choices import LIVE
from tasks_app.log_files import remove_log_files
from tasks_app.models import Task
from tasks_app.sequence import next_seq
from tasks_app.wakeups import wake_on_commit
from tasks_app.words import ask_to_cancel

ADD = "models_app.add_ollamaserver"
CHANGE = "models_app.change_ollamaserver"
REMOVE = "models_app.delete_ollamaserver"
SYNC = "models_app.sync_ollamaserver"
SYNCED_AT_ONCE = 50
# What each kind of authentication needs.
CREDENTIALS = {
    AuthKind.NONE: (),
    AuthKind.BEARER: ("token",),
    AuthKind.BASIC: ("username", "password"),
    AuthKind.HEADER: ("name", "value"),
}
# A server that nobody has asked yet.
UNKNOWN: dict[str, Any] = {
    "status": ServerStatus.UNKNOWN,
    "reason": "",
    "message": "",
    "version": "",
    "latency_ms": None,
    "failures": 0,
    "checked_at": None,
    "tags_seen_at": None,
    "tags_hash": "",
}
# What a server may have of its own instead of the panel's default.
MOST_DOWNLOADS = 1000  # at once
LIMITS = ("max_downloads", "keep_free_disk", "keep_free_memory")
EDITABLE = (
    "name",
    "base_url",
    "auth_kind",
    "credentials",
    "ca_pem",
    "open_webui_url",
    *LIMITS,
    "on_conflict",
)


def add_server(*, actor: Actor, name: str, base_url: str, **fields: Any) -> OllamaServer:
    """Add a server; it is checked at once and synced when it answers.

    `fields`: the others of `EDITABLE`. Raises `InvalidInput` with `attr`.
    """
    actor.require(ADD)
    server = OllamaServer(seq=next_seq(0))
    _assign(server, {"name": name, "base_url": base_url, **fields})
    with transaction.atomic(), _names_kept_apart():
        _validate(server)
        server.save(force_insert=True)
        record_action(
            actor=actor,
            verb="server.add",
            resource_type="server",
            resource_id=server.pk,
            resource_name=server.name,
            data={"base_url": server.base_url, "auth_kind": server.auth_kind},
        )
        announce_server(server)
        checks.check_soon()
    return server


def update_server(*, actor: Actor, server: OllamaServer, **fields: Any) -> OllamaServer:
    """Change some fields. Credentials that are not given stay, but never go to another address.

    What was known of the server at another address, or with other credentials, is forgotten.
    """
    actor.require(CHANGE)
    with transaction.atomic(), _names_kept_apart():
        server = _locked(server)
        before = [getattr(server, name) for name in ASKED_AT]
        address = server.base_url
        _assign(server, fields)
        _validate(server)
        if server.base_url != address and server.credentials and not fields.get("credentials"):
            raise InvalidInput(
                _("The address changes: enter the credentials again for the new one."),
                attr="credentials",
            )
        if before != [getattr(server, name) for name in ASKED_AT]:
            for name, value in UNKNOWN.items():
                setattr(server, name, value)
        server.seq = next_seq(server.seq)
        server.next_check_at = None
        server.save(update_fields=[*EDITABLE, *UNKNOWN, "seq", "next_check_at"])
        record_action(
            actor=actor,
            verb="server.change",
            resource_type="server",
            resource_id=server.pk,
            resource_name=server.name,
            data={"fields": sorted(fields)},
        )
        announce_server(server)
        checks.check_soon()
        if "max_downloads" in fields:
            wake_on_commit(PULL_QUEUE)
    return server


def remove_server(*, actor: Actor, server: OllamaServer) -> None:
    """Forget a server and its models here; nothing is changed on it. `Conflict` with live tasks."""
    actor.require(REMOVE)
    with transaction.atomic():
        server = _locked(server)
        if OllamaModel.objects.filter(server=server, last_task__state__in=LIVE).exists():
            raise Conflict(
                _("Work is under way on “%(name)s”. Cancel it or wait for it first.")
                % {"name": server.name}
            )
        for sync in Task.objects.live().about("server", server.pk):
            ask_to_cancel(sync.pk)
        record_action(
            actor=actor,
            verb="server.remove",
            resource_type="server",
            resource_id=server.pk,
            resource_name=server.name,
            data={"base_url": server.base_url},
        )
        announce_server_removed(pk=server.pk, seq=server.seq)
        models = server.models.values_list("pk", flat=True)
        tasks = Task.objects.filter(resource_type="model", resource_id__in=models)
        logged = list(tasks.values_list("pk", flat=True))
        transaction.on_commit(lambda: remove_log_files(logged))
        server.delete()


def check_server(*, actor: Actor, server: OllamaServer) -> OllamaServer:
    """Check one server now (a few seconds at most) and return it with its new status."""
    actor.require("models_app.view_ollamaserver")
    checks.check_servers([server], anew=True)
    return OllamaServer.objects.get(pk=server.pk)


def sync_server(*, actor: Actor, server: OllamaServer, on_conflict: str | None = None) -> Task:
    """Queue a sync; its result is `{added, updated, deleted, unchanged, conflicts}`.

    Without `on_conflict` the server's own setting holds, and what waits for a person goes on to
    wait. The same sync of this server that waits already is returned instead of a second one.
    """
    _check_policy(actor, on_conflict)
    with transaction.atomic():
        return _sync(actor=actor, server=server, on_conflict=on_conflict)


def sync_all(*, actor: Actor, on_conflict: str | None = None) -> Task:
    """Queue a sync of every server: one parent task with a child for each."""
    _check_policy(actor, on_conflict)
    with transaction.atomic():
        if not OllamaServer.objects.exists():
            raise Conflict(_("There is no server to sync. Add one first."))
        task = tasks.create_task(type="servers.sync", actor=actor, payload=_asked(on_conflict))
        record_action(actor=actor, verb="servers.sync", data={"task": task.pk})
        return task


def sync_when_due() -> None:
    """Begin the sync of servers that were not synced for as long as the settings say."""
    every: timedelta | None = settings.SYNC_EVERY
    if every is None:
        return
    due = OllamaServer.objects.filter(status__in=SEEN, synced_at__lt=timezone.now() - every)
    for server in due.order_by("synced_at", "pk")[:SYNCED_AT_ONCE]:
        sync_server(actor=SYSTEM, server=server)


def create_sync(
    *, actor: Actor, server: OllamaServer, on_conflict: str | None, parent: Task | None = None
) -> Task:
    """Queue the sync of one server, alone or as a child of a sync of all."""
    return tasks.create_task(
        type="server.sync",
        actor=actor,
        resource_type="server",
        resource_id=server.pk,
        resource_name=server.name,
        payload=_asked(on_conflict),
        parent=parent,
        limit_key=f"server.sync:{server.pk}",
    )


@contextmanager
def _names_kept_apart() -> Iterator[None]:
    """Two people may add the same at the same moment; the database lets one."""
    try:
        yield
    except IntegrityError as error:
        raise InvalidInput(
            _("Somebody has just added a server with this name or address."), attr="base_url"
        ) from error


def _locked(server: OllamaServer) -> OllamaServer:
    """The row as it is now, locked for the transaction; `Conflict` when it is gone."""
    row: OllamaServer | None = OllamaServer.objects.select_for_update().filter(pk=server.pk).first()
    if row is None:
        raise Conflict(_("This server is gone from the panel."))
    return row


def _asked(on_conflict: str | None) -> dict[str, str]:
    return {} if on_conflict is None else {"on_conflict": on_conflict}


def _sync(*, actor: Actor, server: OllamaServer, on_conflict: str | None) -> Task:
    waiting = Task.objects.live().about("server", server.pk).filter(type="server.sync")
    for task in waiting:
        if on_conflict in (None, task.payload.get("on_conflict")):
            return task
    task = create_sync(actor=actor, server=server, on_conflict=on_conflict)
    if actor.user is not None:  # the panel's own syncs are no actions of anybody
        record_action(
            actor=actor,
            verb="server.sync",
            resource_type="server",
            resource_id=server.pk,
            resource_name=server.name,
            data={"task": task.pk, "on_conflict": on_conflict},
        )
    return task


def _check_policy(actor: Actor, on_conflict: str | None) -> None:
    actor.require(SYNC)
    if on_conflict == OnConflict.PANEL:
        actor.require("models_app.pull_ollamamodel")
    if on_conflict is not None and on_conflict not in OnConflict.values:
        raise InvalidInput(
            _("“%(value)s” is no way to settle conflicts; choose one of: %(choices)s.")
            % {"value": on_conflict[:40], "choices": ", ".join(OnConflict.values)},
            attr="on_conflict",
        )


def _assign(server: OllamaServer, fields: dict[str, Any]) -> None:
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise TypeError(f"no fields of a server: {sorted(unknown)}")
    for name, value in fields.items():
        if name == "credentials" and not value:
            continue
        setattr(server, name, value)
    if server.auth_kind == AuthKind.NONE:
        server.credentials = {}


def _validate(server: OllamaServer) -> None:
    server.name = server.name.strip()
    server.base_url = check_base_url(server.base_url)
    server.open_webui_url = check_open_webui_url(server.open_webui_url)
    if server.ca_pem:
        ssl_context(server.ca_pem)
    _check_credentials(server)
    try:
        server.full_clean(exclude=["credentials"])
    except ValidationError as error:
        attr, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(messages[0], attr=None if attr == "__all__" else attr) from error


def check_base_url(url: str) -> str:
    """A server's address in its one form; `InvalidInput` with attr `base_url`."""
    return _checked(url, "base_url")


def check_open_webui_url(url: str) -> str:
    """The same for Open WebUI, of which there need be none."""
    return _checked(url, "open_webui_url") if url.strip() else ""


def _checked(url: str, attr: str) -> str:
    url = url.strip()
    if url and "://" not in url:
        url = f"http://{url}"
    try:
        return check_url(url, allow_private=True)
    except InvalidInput as error:
        raise InvalidInput(error.detail, code=error.code, attr=attr) from error


def _check_credentials(server: OllamaServer) -> None:
    needed = CREDENTIALS[AuthKind(server.auth_kind)]
    given = server.credentials or {}
    values = {name: str(given.get(name) or "") for name in needed}
    if not all(values.values()):
        raise InvalidInput(
            _("This kind of authentication needs: %(fields)s.") % {"fields": ", ".join(needed)},
            attr="credentials",
        )
    if any(not value.isprintable() for value in values.values()):
        raise InvalidInput(
            _("Credentials must not have line breaks or control characters."), attr="credentials"
        )
    server.credentials = values
    endpoint_of(server).check()
