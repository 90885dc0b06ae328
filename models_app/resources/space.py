"""The disk under a server's models: what is free, what others have reserved, what is left after."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from models_app.models import OllamaServer, PanelSettings
from models_app.pulls import PULL_TYPE, pulls_key
from models_app.querysets import OllamaServerQuerySet
from models_app.resources.host import Host
from models_app.resources.needs import Need
from models_app.resources.verdict import BLOCK, DISK_TOO_SMALL, OK, UNKNOWN, WARN, Findings
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size
from tasks_app.choices import LIVE, State
from tasks_app.models import Task

TOO_SMALL = _(
    "The disk has {free} free, {reserved} of it for other downloads and {kept} to be kept free, "
    "and this one needs {needed}. Delete models there or add space, then try again."
)
MAYBE_TOO_SMALL = _(
    "The disk has {free} free, {reserved} of it for other downloads and {kept} to be kept free; "
    "this one may need {needed}, by an estimate."
)


def judge_disk(
    found: Findings,
    server: OllamaServer,
    host: Host,
    need: Need,
    *,
    panel: PanelSettings,
    task: Task | None,
) -> dict[str, Any]:
    """The `disk` of a check: bytes, and whether they are enough. Only what is certain blocks."""
    if "disk" in host.slow:
        found.add(WARN, "disk_timeout", _("The disk did not answer in time; it is not known."))
    needed = _still_needed(need.download, task)
    kept, reserved = panel.disk_kept(server), reserved_on(server, task)
    after, state = None, UNKNOWN
    if host.disk_free is not None and needed is not None:
        after = host.disk_free - reserved - needed
        has_room = leaves_room(host.disk_free, needed, reserved=reserved, kept=kept)
        state = OK if has_room else (BLOCK if need.is_certain else WARN)
    if state in (BLOCK, WARN):
        sizes = {"free": host.disk_free, "reserved": reserved, "kept": kept, "needed": needed}
        written = {name: format_size(size or 0) for name, size in sizes.items()}
        code = DISK_TOO_SMALL if state == BLOCK else "disk_maybe_too_small"
        text = TOO_SMALL if state == BLOCK else MAYBE_TOO_SMALL
        found.add(state, code, Sentence(text, **written))
    return {
        "state": state,
        "free": host.disk_free,
        "reserved": reserved,
        "kept": kept,
        "needed": needed,
        "after": after,
    }


def leaves_room(free: int, needed: int, *, reserved: int, kept: int) -> bool:
    """Whether a download of so many bytes leaves what is to be kept free, beside the others."""
    return not needed or free - reserved - needed >= kept


def pulls_of(server: OllamaServer, states: Iterable[str], but: Task | None) -> QuerySet[Task]:
    """The server's downloads in these states."""
    pulls = Task.objects.filter(limit_key=pulls_key(server.pk), state__in=states)
    return pulls.exclude(pk=but.pk) if but is not None else pulls


def reserved_on(server: OllamaServer, task: Task | None) -> int:
    """Bytes that the server's other downloads have still to write: those that wait, too.

    For the one that begins now those that wait behind it do not count.
    """
    pulls = pulls_of(server, LIVE if task is None else (State.RUNNING,), task)
    rows = pulls.order_by().values_list("payload__needed", "done", "total")
    return sum(_bytes_left(*row) for row in rows)


def reserved_on_each(servers: Iterable[OllamaServer]) -> dict[int, int]:
    """The same for a download that is new on each of these servers, by their ids."""
    keys = {pulls_key(server.pk): server.pk for server in servers}
    reserved = dict.fromkeys(keys.values(), 0)
    pulls = Task.objects.filter(limit_key__in=keys, state__in=LIVE).order_by()
    for key, *row in pulls.values_list("limit_key", "payload__needed", "done", "total"):
        reserved[keys[key]] += _bytes_left(*row)
    return reserved


def with_downloads() -> OllamaServerQuerySet:
    """The servers that have downloads in flight or in the queue."""
    keys = Task.objects.filter(type=PULL_TYPE, state__in=LIVE).order_by()
    found = set(keys.values_list("limit_key", flat=True).distinct())
    ids = [int(number) for key in found if (number := key.rpartition(":")[2]).isdecimal()]
    servers: OllamaServerQuerySet = OllamaServer.objects.filter(pk__in=ids).order_by("pk")
    return servers


def _still_needed(download: int | None, task: Task | None) -> int | None:
    """What an earlier attempt has fetched of unfinished parts is on the disk already."""
    if download is None or task is None or task.total is None:
        return download
    return max(0, min(download, task.total - (task.done or 0)))


def _bytes_left(needed: Any, done: int | None, total: int | None) -> int:
    """By what the check found when the pull was asked for, and by how far it is."""
    known: Iterable[int] = [needed] if isinstance(needed, int) else []
    if total is not None:
        known = [*known, total - (done or 0)]
    return max(0, min(known, default=0))
