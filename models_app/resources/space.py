"""The disk under a server's models: what is free, what others have reserved, what is left after."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.models import OllamaServer, PanelSettings
from models_app.resources.host import Host
from models_app.resources.needs import Need
from models_app.resources.reserved import Held
from models_app.resources.verdict import BLOCK, DISK_TOO_SMALL, OK, UNKNOWN, WARN, Findings
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size
from tasks_app.models import Task

TOO_SMALL = _(
    "The disk has {free} free, {reserved} of it for other downloads and {kept} to be kept free, "
    "and this one needs {needed}. Delete models there or add space, then try again."
)
MAYBE_TOO_SMALL = _(
    "The disk has {free} free, {reserved} of it for other downloads and {kept} to be kept free; "
    "this one may need {needed}, by an estimate."
)
MAYBE_OTHERS = _(
    "The disk has {free} free and {kept} to be kept free. Other downloads may need {reserved} of "
    "it, by an estimate, and this one needs {needed}."
)


def judge_disk(
    found: Findings,
    server: OllamaServer,
    host: Host,
    need: Need,
    *,
    panel: PanelSettings,
    task: Task | None,
    reserved: Held,
) -> dict[str, Any]:
    """The `disk` of a check: bytes, and whether they are enough. Only what is certain blocks.

    `reserved`: what other downloads have still to write to this disk.
    """
    if "disk" in host.slow:
        found.add(WARN, "disk_timeout", _("The disk did not answer in time; it is not known."))
    needed = _still_needed(need.download, task)
    kept = panel.disk_kept(server)
    after, state = None, UNKNOWN
    if host.disk_free is not None and needed is not None:
        free, after = host.disk_free, host.disk_free - reserved.bytes - needed
        fits = leaves_room(free, needed, reserved=reserved.bytes, kept=kept)
        may_fit = leaves_room(free, needed, reserved=reserved.certain, kept=kept)
        state = OK if fits else (WARN if may_fit or not need.is_certain else BLOCK)
    if state in (BLOCK, WARN):
        sizes = {"free": host.disk_free, "kept": kept, "needed": needed}
        sizes["reserved"] = reserved.certain if state == BLOCK else reserved.bytes
        written = {name: format_size(size or 0) for name, size in sizes.items()}
        code = DISK_TOO_SMALL if state == BLOCK else "disk_maybe_too_small"
        text = TOO_SMALL if state == BLOCK else MAYBE_TOO_SMALL
        text = MAYBE_OTHERS if state == WARN and need.is_certain else text
        found.add(state, code, Sentence(text, **written))
    return {
        "state": state,
        "free": host.disk_free,
        "reserved": reserved.bytes,
        "reserved_guessed": reserved.guessed,
        "kept": kept,
        "needed": needed,
        "after": after,
    }


def leaves_room(free: int, needed: int, *, reserved: int, kept: int) -> bool:
    """Whether a download of so many bytes leaves what is to be kept free, beside the others."""
    return not needed or free - reserved - needed >= kept


def _still_needed(download: int | None, task: Task | None) -> int | None:
    """What an earlier attempt has fetched of unfinished parts is on the disk already."""
    if download is None or task is None or task.total is None:
        return download
    return max(0, min(download, task.total - (task.done or 0)))
