"""Settling the conflicts that a sync has found, one by one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.conflict_models import (
    LIVE_STATES,
    ConflictKind,
    ConflictState,
    Settlement,
    SyncConflict,
)
from models_app.events import announce_server
from models_app.models import OllamaModel, OllamaServer
from models_app.services import lifecycle
from models_app.services.beginnings import idle
from models_app.services.differing import DIFFERENT, settle_record
from models_app.services.servers import SYNC, sync_server
from models_app.services.states import save_model, status_now, take_facts
from models_app.services.sync import forget_model
from ollamactl.lib.errors import Conflict, InvalidInput
from tasks_app.models import Task
from tasks_app.sequence import next_seq

WAYS = ("server", "panel", "ignore")


def settle_conflict(*, actor: Actor, conflict: SyncConflict, how: str) -> Task | None:
    """Settle one conflict; returns the task that does it, where one is needed.

    `server`: the panel takes the server's side (forgets what is gone, keeps what is new there).
    `panel`: the model is pulled again by its name; what somebody else has brought is deleted.
    `ignore`: both stay as they are. Raises `InvalidInput` with `attr`, `Conflict`, `NotPermitted`,
    and what `pull_model` and `delete_model` raise.
    """
    actor.require(SYNC)
    if how not in WAYS:
        raise InvalidInput(
            _("“%(value)s” is no way to settle a conflict; choose one of: %(choices)s.")
            % {"value": how[:40], "choices": ", ".join(WAYS)},
            attr="how",
        )
    if how == "panel":
        return _by_panel(actor, conflict)
    with transaction.atomic():
        locked = _locked(conflict)
        task = _by_server(actor, locked) if how == "server" else None
        settlement = Settlement.SERVER if how == "server" else Settlement.IGNORED
        _settle(actor, locked, settlement)
    return task


def _by_panel(actor: Actor, conflict: SyncConflict) -> Task:
    """The work is begun first: a conflict whose work is refused stays open.

    Nothing is deleted for a conflict that somebody settles just now, nor pulled for one that is
    settled: the check before a pull asks others, which no transaction may wait for.
    """
    if conflict.kind not in DIFFERENT:
        with transaction.atomic():
            locked = _locked(conflict)
            deletion = lifecycle.delete_model(actor=actor, model=_model(locked))
            locked.task = deletion
            _settle(actor, locked, Settlement.PANEL)
        return deletion
    if not SyncConflict.objects.filter(pk=conflict.pk, state__in=LIVE_STATES).exists():
        raise _settled()
    task = lifecycle.pull_model(actor=actor, server=conflict.server, name=conflict.name).task
    with transaction.atomic():
        locked = _locked(conflict)
        locked.task = task
        _settle(actor, locked, Settlement.PANEL)
    return task


def _by_server(actor: Actor, conflict: SyncConflict) -> Task | None:
    if conflict.kind not in DIFFERENT or conflict.model is None:
        return None
    row = idle(conflict.model)
    if conflict.kind == ConflictKind.GONE:
        forget_model(row.pk, keeps_history=True)
        return None
    changed = take_facts(row, _facts(conflict.server_side))
    row.status = status_now(row)
    save_model(row, *changed, "status")
    return sync_server(actor=actor, server=conflict.server)  # for all else that has changed


def _facts(side: Any) -> dict[str, Any]:
    return {name: value for name, value in (side or {}).items() if value is not None}


def _model(conflict: SyncConflict) -> OllamaModel:
    if conflict.model is None:
        raise Conflict(_("This model is gone from the panel; there is nothing to settle any more."))
    return conflict.model


def _locked(conflict: SyncConflict) -> SyncConflict:
    rows = SyncConflict.objects.select_for_update(of=("self",)).select_related("server", "model")
    row: SyncConflict | None = rows.filter(pk=conflict.pk, state__in=LIVE_STATES).first()
    if row is None:
        raise _settled()
    return row


def _settled() -> Conflict:
    return Conflict(_("This conflict is settled already."), code="settled")


def _settle(actor: Actor, conflict: SyncConflict, how: Settlement) -> None:
    settle_record(conflict, how, actor=actor)
    record_action(
        actor=actor,
        verb="conflict.settle",
        resource_type="server",
        resource_id=conflict.server_id,
        resource_name=conflict.server.name,
        data={"name": conflict.name, "kind": conflict.kind, "how": str(how)},
    )
    server = OllamaServer.objects.select_for_update().get(pk=conflict.server_id)
    server.seq = next_seq(server.seq)
    server.save(update_fields=["seq"])
    announce_server(server)


def open_conflicts(server: OllamaServer) -> Any:
    """What waits for a person, by name."""
    rows = SyncConflict.objects.filter(server=server, state=ConflictState.OPEN)
    return rows.select_related("model", "task").order_by("name", "pk")
