"""The results of tasks on servers and models, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ollamactl.lib.units import format_duration, format_figure, format_size, group_digits
from tasks_app.results import Mentioned, Outcome, Result, number


def describe_pull(result: Result) -> Outcome:
    """The size of what is on the server now, and which version it is."""
    told = []
    if (size := number(result, "size")) is not None:
        told.append(_("%(size)s on the server") % {"size": format_size(size)})
    if digest := result.get("digest"):
        told.append(_("digest %(digest)s") % {"digest": str(digest)[:12]})
    return Outcome(told)


def describe_start(result: Result) -> Outcome:
    """How long loading took, what it takes up, and where it runs."""
    loaded = _mapping(result.get("loaded"))
    told = []
    if isinstance(seconds := result.get("load_seconds"), (int, float)):
        shown = f"{seconds:.1f}s" if seconds < 10 else format_duration(seconds)
        told.append(_("loaded in %(time)s") % {"time": shown})
    if (size := number(loaded, "size")) is not None:
        told.append(_("%(size)s of memory") % {"size": format_size(size)})
    if processor := loaded.get("processor"):
        told.append(str(processor))
    if context := number(loaded, "context_length"):
        told.append(_("context of %(count)s tokens") % {"count": group_digits(context)})
    return Outcome(told)


def describe_stop(result: Result) -> Outcome:
    """That nothing of it is in memory any more."""
    return Outcome([_("not in memory any more")])


def describe_copy(result: Result) -> Outcome:
    """Which version it is."""
    told = [_("the same content under this name")]
    if digest := result.get("digest"):
        told.append(_("digest %(digest)s") % {"digest": str(digest)[:12]})
    return Outcome(told)


def describe_rename(result: Result) -> Outcome:
    """The old name and the new one."""
    names = {"old": str(result.get("renamed_from", "")), "new": str(result.get("name", ""))}
    return Outcome([_("renamed from %(old)s to %(new)s") % names])


def describe_recreate(result: Result) -> Outcome:
    """What was changed, and which version it is now."""
    names = {
        "parameters": _("parameters changed"),
        "system": _("system prompt changed"),
        "template": _("template changed"),
    }
    changed = result.get("changed")
    told = [names[name] for name in changed if name in names] if isinstance(changed, list) else []
    if digest := result.get("digest"):
        told.append(_("digest %(digest)s") % {"digest": str(digest)[:12]})
    return Outcome(told)


def describe_benchmark(result: Result) -> Outcome:
    """How fast it was."""
    found = _mapping(result.get("benchmark"))
    told = []
    for name, text in (
        ("load_seconds", _("loaded in %(figure)s s")),
        ("first_token_seconds", _("first token after %(figure)s s")),
        ("token_rate", _("%(figure)s tokens a second")),
    ):
        value = found.get(name)
        if isinstance(value, (int, float)):
            told.append(text % {"figure": format_figure(value)})
    return Outcome(told)


def describe_delete(result: Result) -> Outcome:
    """That the server has it no more."""
    return Outcome([_("gone from the server and from the panel")])


def describe_batch(result: Result) -> Outcome:
    """What was left out or not begun any more; the counts are said by every parent."""
    told = []
    if skipped := number(result, "skipped"):
        text = ngettext("%(count)s left out", "%(count)s left out", skipped)
        told.append(text % {"count": group_digits(skipped)})
    if unbegun := number(result, "not_begun"):
        text = ngettext("%(count)s not begun any more", "%(count)s not begun any more", unbegun)
        told.append(text % {"count": group_digits(unbegun)})
    if result.get("cut_short"):
        told.append(_("ended before all had begun"))
    if number(result, "rolled_back_by"):
        told.append(_("rolled back"))
    return Outcome(told)


def describe_updates(result: Result) -> Outcome:
    """How many versions were asked for, and how many models are outdated."""
    checked, outdated = number(result, "checked") or 0, number(result, "outdated") or 0
    told = [
        ngettext("%(count)s version checked", "%(count)s versions checked", checked)
        % {"count": group_digits(checked)},
        ngettext("%(count)s model outdated", "%(count)s models outdated", outdated)
        % {"count": group_digits(outdated)},
    ]
    if unknown := number(result, "unknown"):
        text = ngettext(
            "of %(count)s its registry said nothing",
            "of %(count)s registries said nothing",
            unknown,
        )
        told.append(text % {"count": group_digits(unknown)})
    return Outcome(told)


def describe_sync(result: Result) -> Outcome:
    """The counts, and every conflict."""
    told = [
        _("%(added)s added, %(updated)s changed, %(deleted)s gone, %(unchanged)s as before")
        % {
            name: group_digits(number(result, name) or 0)
            for name in ("added", "updated", "deleted", "unchanged")
        }
    ]
    found = result.get("conflicts")
    conflicts = [_conflict(_mapping(item)) for item in found] if isinstance(found, list) else []
    if conflicts:
        count = len(conflicts)
        told.append(
            ngettext("%(count)s conflict", "%(count)s conflicts", count)
            % {"count": group_digits(count)}
        )
    return Outcome(told, _("Conflicts"), conflicts)


def _conflict(item: Mapping[str, Any]) -> Mentioned:
    kinds = {
        "changed": _("the server has another version of it"),
        "gone": _("the server does not have it any more"),
        "foreign": _("brought there by somebody else"),
        "twin": _("another name of a model that is there"),
    }
    kind = str(item.get("kind", ""))
    return Mentioned(str(item.get("name", "")), kinds.get(kind, kind), number(item, "model"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


DESCRIBERS = {
    "model.pull": describe_pull,
    "model.start": describe_start,
    "model.stop": describe_stop,
    "model.delete": describe_delete,
    "model.copy": describe_copy,
    "model.rename": describe_rename,
    "model.recreate": describe_recreate,
    "model.benchmark": describe_benchmark,
    "model.batch": describe_batch,
    "model.rollback": describe_batch,
    "models.updates": describe_updates,
    "server.sync": describe_sync,
}
