"""`ollamactl batch`: one operation on many models, after a look at the plan."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from ollamactl.cli.failures import ApiError, CommandFailed, ExitCode
from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.display import display_for
from ollamactl.cli.remote.find import find_server
from ollamactl.cli.remote.options import detach_option, json_option
from ollamactl.cli.remote.records import Task, int_of, object_of, rows_of, text_of
from ollamactl.cli.remote.watch import require_success, watch
from ollamactl.cli.terminal import can_ask, clean, note, print_json, print_table, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_size, group_thousands

OPERATIONS = ("start", "stop", "delete", "pull", "recreate", "update")
MOST_SHOWN = 40


@click.command(help=_("Do one operation on many models: by their names, or all that match."))
@click.argument("operation", type=click.Choice(OPERATIONS), metavar="OPERATION")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="NAME",
    help=_("On this server, by name or id; may be given several times."),
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    help=_("All that match instead of names: status=stopped, search=llama, min_size=4GB."),
)
@click.option(
    "--on-error",
    type=click.Choice(["continue", "stop", "rollback"]),
    default="continue",
    help=_("After the first failure: go on, begin no others, or roll back too."),
)
@click.option("--plan", "only_plan", is_flag=True, help=_("Show what would happen, and end."))
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask."))
@detach_option
@json_option
def batch(
    operation: str,
    names: tuple[str, ...],
    servers: tuple[str, ...],
    filters: tuple[str, ...],
    on_error: str,
    only_plan: bool,
    yes: bool,
    detach: bool,
    as_json: bool,
) -> None:
    """Plan, ask, begin, and stand by."""
    panel = Panel.current()
    body = {
        "operation": operation,
        "on_error": on_error,
        **_selection(panel, names, servers, filters),
    }
    plan = panel.post("models/batch/plan/", body)
    if as_json:
        print_json({"event": "plan", **plan})
    else:
        _show_plan(plan)
    if only_plan:
        return
    _require_yes(plan, yes=yes)
    task = accepted_task(panel.post("models/batch/", body))
    if detach:
        if as_json:
            print_json({"event": "accepted", "task": task.raw})
        else:
            say(str(task.id))
        return
    question = "" if as_json else _("Stop waiting for the batch?")
    task = watch(panel, task.id, display_for(operation, as_json=as_json), question=question)
    _report(panel, task, as_json=as_json)
    require_success(task)


def _selection(
    panel: Panel, names: tuple[str, ...], servers: tuple[str, ...], filters: tuple[str, ...]
) -> Json:
    if bool(names) == bool(filters):
        raise click.UsageError(_("Give names or --filter, one of the two."))
    ids = [find_server(panel, word).id for word in servers]
    if names:
        return {"names": list(names), **({"servers": ids} if ids else {})}
    asked: dict[str, Any] = {}
    for text in filters:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(_("Write it as NAME=VALUE."), param_hint="--filter")
        asked.setdefault(name, []).append(value)
    return {"filter": {**asked, **({"server": ids} if ids else {})}}


def _show_plan(plan: Json) -> None:
    """What happens to each, on stderr: the result comes later."""
    items = rows_of(plan, "items")
    for item in items[:MOST_SHOWN]:
        words = {"will": _("will be done"), "nothing": _("nothing to do")}
        said = words.get(text_of(item, "outcome"), _("cannot be done"))
        detail = clean(text_of(item, "detail"))
        name = clean(text_of(item, "name"))
        place = clean(text_of(item, "server_name"))
        where = f" ({place})" if place else ""
        note(f"{name}{where}: {said}{'. ' + detail if detail else ''}")
    if len(items) > MOST_SHOWN:
        note(_("… and %s others") % group_thousands(len(items) - MOST_SHOWN))
    for server in rows_of(plan, "servers")[:MOST_SHOWN]:
        note(_server(server))
    for warning in rows_of(plan, "warnings"):
        note(_("Warning: %(reason)s") % {"reason": clean(text_of(warning, "detail"))})
    note(_totals(plan))


def _server(server: Json) -> str:
    """What one server needs and has; what is not known is a dash."""
    disk = object_of(server, "disk")
    sizes = {name: _size(int_of(disk, name)) for name in ("free", "reserved", "kept")}
    told = _(
        "%(server)s: %(needed)s to download; %(free)s free, %(reserved)s for other downloads, "
        "%(kept)s to be kept free"
    ) % {
        "server": clean(text_of(server, "server_name")),
        "needed": _size(int_of(server, "bytes")),
        **sizes,
    }
    return told if server.get("answers") is not False else f"{told} ({_('does not answer')})"


def _size(size: int | None) -> str:
    return "–" if size is None else format_size(size)


def _totals(plan: Json) -> str:
    counts, size = object_of(plan, "counts"), object_of(plan, "bytes")
    told = _("%(will)s will be done, %(nothing)s have nothing to do, %(cannot)s cannot.") % {
        name: group_thousands(int_of(counts, name) or 0) for name in ("will", "nothing", "cannot")
    }
    total, unknown = int_of(size, "total"), int_of(size, "unknown") or 0
    estimated = int_of(size, "estimated") or 0
    if total is None:
        return told
    exact = size.get("exact") is True
    if text_of(size, "direction") == "frees":
        word = _("It frees %(size)s.") if exact else _("It frees up to %(size)s.")
    elif estimated:
        word = _("It needs about %(size)s.")
    else:
        word = _("It needs %(size)s.") if exact else _("It needs up to %(size)s.")
    told = f"{told} {word % {'size': format_size(total)}}"
    if estimated:
        guessed = _("Of %s models the size is an estimate.") % group_thousands(estimated)
        told = f"{told} {guessed}"
    more = _("Of %s models the size is not known.") % group_thousands(unknown)
    if (each := int_of(size, "unknown_each")) is not None:
        taken = _("Each is taken for about %(size)s.") % {"size": format_size(each)}
        more = f"{more} {taken}"
    return f"{told} {more}" if unknown else told


def _require_yes(plan: Json, *, yes: bool) -> None:
    count = int_of(object_of(plan, "counts"), "will") or 0
    if not count:
        raise CommandFailed(
            _("There is nothing to do with these models now."), exit_code=ExitCode.CONFLICT
        )
    if yes:
        return
    if not can_ask():
        raise CommandFailed(
            _("This needs a yes, and nobody can be asked here. Add --yes."),
            exit_code=ExitCode.USAGE,
        )
    if plan.get("dangerous") is True:
        typed = click.prompt(_("Type %d, the number of models, to go on") % count, err=True)
        if str(typed).strip() != str(count):
            raise click.Abort
    elif not click.confirm(_("Go on?"), err=True):
        raise click.Abort


def _report(panel: Panel, task: Task, *, as_json: bool) -> None:
    """What became of each: those that failed by name, the others by their number."""
    if as_json:
        children = list(panel.every("tasks/", {"parent": task.id}))
        told = {"children": children, "left_out": list(_left_out(panel, task))}
        print_json({"event": "result", "task": task.raw, **told})
        return
    failed = [Task.of(row) for row in panel.every("tasks/", {"parent": task.id, "state": "failed"})]
    if failed:
        # Each costs a question; of more than these the number of the task has to do.
        places = {part.id: _server_of(panel, part) for part in failed[:MOST_SHOWN]}
        rows = [
            [part.resource, places.get(part.id, "-"), part.error_detail, str(part.id)]
            for part in failed
        ]
        print_table([_("MODEL"), _("SERVER"), _("REASON"), _("TASK")], rows)
    _report_left_out(panel, task)
    numbers = {
        name: group_thousands(int_of(task.result, name) or 0)
        for name in ("succeeded", "failed", "cancelled")
    }
    say(_("%(succeeded)s succeeded, %(failed)s failed, %(cancelled)s cancelled") % numbers)
    if undo := int_of(task.result, "rolled_back_by"):
        note(_("It is being rolled back: ollamactl tasks watch %d") % undo)


def _report_left_out(panel: Panel, task: Task) -> None:
    """What the batch has not begun at all, which may be more than the plan has said before."""
    shown = list(islice(_left_out(panel, task), MOST_SHOWN))
    if not shown:
        return
    rows = [
        [text_of(one, "resource_name"), text_of(one, "place") or "-", text_of(one, "detail")]
        for one in shown
    ]
    print_table([_("LEFT OUT"), _("SERVER"), _("REASON")], rows)
    more = (int_of(task.result, "skipped") or 0) - len(shown)
    if more > 0:
        note(_("… and %s others") % group_thousands(more))


def _left_out(panel: Panel, task: Task) -> Iterator[Json]:
    """What the panel says of each that was left out; a batch without any is not asked about. One
    that ended before all had begun says no number where an older panel ended it."""
    if not int_of(task.result, "skipped") and task.result.get("cut_short") is not True:
        return iter(())
    return panel.every(f"tasks/{task.id}/left-out/")


def _server_of(panel: Panel, part: Task) -> str:
    """Where its model is: the same name may have failed on one server and not on the other."""
    model = int_of(part.raw, "resource_id")
    if model is None:
        return "-"
    try:
        return clean(text_of(panel.get(f"models/{model}/"), "server_name")) or "-"
    except ApiError:  # it is gone
        return "-"
