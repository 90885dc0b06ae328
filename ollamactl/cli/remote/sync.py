"""`ollamactl sync`: bring the panel's models in line with the servers."""

from __future__ import annotations

from typing import Any

import click

from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.display import spinner_for
from ollamactl.cli.remote.find import find_server
from ollamactl.cli.remote.options import detach_option, json_option
from ollamactl.cli.remote.records import Task, int_of, object_of, rows_of, text_of
from ollamactl.cli.remote.watch import require_success, watch
from ollamactl.cli.terminal import clean, note, print_json, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import group_thousands

MOST_CONFLICTS = 50


@click.command(help=_("Read what the servers have, and bring the panel's list in line with it."))
@click.option("--server", metavar="NAME", help=_("Only this server, by name or id."))
@click.option(
    "--on-conflict",
    type=click.Choice(["server", "panel", "report"]),
    help=_("Who is right where the two differ; else what is set for the server holds."),
)
@detach_option
@json_option
def sync(server: str | None, on_conflict: str | None, detach: bool, as_json: bool) -> None:
    """Sync one server or all."""
    panel = Panel.current()
    body: dict[str, Any] = {}
    if server is not None:
        body["server"] = find_server(panel, server).id
    if on_conflict is not None:
        body["on_conflict"] = on_conflict
    task = accepted_task(panel.post("models/sync/", body))
    if not detach:
        task = watch(panel, task.id, spinner_for(_("syncing"), as_json=as_json))
        _report(panel, task, as_json=as_json)
        require_success(task)
    elif as_json:
        print_json({"task": task.raw})
    else:
        say(str(task.id))


def _report(panel: Panel, task: Task, *, as_json: bool) -> None:
    """What was done, server by server: a sync of all of them has one child for each."""
    children = [Task.of(row) for row in panel.every("tasks/", {"parent": task.id})]
    if as_json:
        print_json({"task": task.raw, "children": [child.raw for child in children]})
        return
    for part in sorted(children, key=lambda child: child.resource) or [task]:
        name = clean(part.resource) or "-"
        if part.state == "succeeded":
            say(f"{name}: {_counts(part.result)}")
            for conflict in rows_of(part.result, "conflicts")[:MOST_CONFLICTS]:
                note(f"  {_conflict(conflict)}")
        elif part is not task:
            note(f"{name}: {clean(part.error_detail) or part.state}")


def _conflict(found: dict[str, Any]) -> str:
    """One conflict with both sides, and how to settle it."""
    kinds = {
        "changed": _("changed outside"),
        "gone": _("gone from the server"),
        "foreign": _("brought there by somebody else"),
        "twin": _("another name of a model that is there"),
    }
    kind = text_of(found, "kind")
    sides = " / ".join(
        text_of(object_of(found, side), "digest")[:12] or "-" for side in ("panel", "server")
    )
    told = f"{clean(text_of(found, 'name'))}: {kinds.get(kind, clean(kind))} ({clean(sides)})"
    number = int_of(found, "id")
    return told if number is None else f"{told}. ollamactl conflicts settle {number} HOW"


def _counts(result: dict[str, Any]) -> str:
    numbers = {
        name: int_of(result, name) or 0 for name in ("added", "updated", "deleted", "unchanged")
    }
    numbers["conflicts"] = int_of(result, "conflicts") or len(rows_of(result, "conflicts"))
    return _(
        "added %(added)s, updated %(updated)s, deleted %(deleted)s, "
        "unchanged %(unchanged)s, conflicts %(conflicts)s"
    ) % {name: group_thousands(number) for name, number in numbers.items()}
