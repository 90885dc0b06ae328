"""`ollamactl downloads` and `move`: the queue of downloads, and its order."""

from __future__ import annotations

import click

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.progress_text import summary
from ollamactl.cli.remote.records import Task, int_of, object_of, rows_of, text_of
from ollamactl.cli.terminal import clean, note, print_json, print_table, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import group_thousands

SHOWN = 50


@click.command(help=_("List what is downloaded and what waits, in the order in which it begins."))
@click.option("--pause", "verb", flag_value="pause", help=_("Pause all downloads."))
@click.option("--resume", "verb", flag_value="resume", help=_("Let all downloads go on."))
@click.option(
    "-n", "number", type=click.IntRange(1, 200), default=SHOWN, help=_("How many to show.")
)
@json_option
def downloads(verb: str | None, number: int, as_json: bool) -> None:
    """List downloads, or pause or resume all of them."""
    panel = Panel.current()
    if verb is not None:
        _tell_all(panel, verb, as_json=as_json)
        return
    page = panel.get("downloads/", {"page_size": number})
    rows = rows_of(page, "results")
    if as_json:
        print_json(rows)
        return
    headings = ["ID", "PLACE", "MODEL", "SERVER", "STATE", "PROGRESS"]
    print_table(headings, [_row(row) for row in rows])
    more = (int_of(page, "count") or len(rows)) - len(rows)
    if more > 0:
        note(_("%s more are not shown.") % group_thousands(more))


@click.command(help=_("Move a waiting task to another place of its queue."))
@click.argument("task_id", type=click.IntRange(min=1), metavar="TASK")
@click.option("--first", "to", flag_value="first", help=_("To the first place."))
@click.option("--up", "to", flag_value="up", help=_("One place up."))
@click.option("--down", "to", flag_value="down", help=_("One place down."))
@click.option("--last", "to", flag_value="last", help=_("To the last place."))
@json_option
def move(task_id: int, to: str | None, as_json: bool) -> None:
    """Move one task."""
    if to is None:
        raise CommandFailed(
            _("Say where to: --first, --up, --down or --last."), exit_code=ExitCode.USAGE
        )
    task = accepted_task(Panel.current().post(f"tasks/{task_id}/move/", {"to": to}))
    if as_json:
        print_json({"task": task.raw})
    else:
        say(_("Task %d is moved.") % task.id)


def _tell_all(panel: Panel, verb: str, *, as_json: bool) -> None:
    answer = panel.post(f"downloads/{verb}/")
    if as_json:
        print_json(answer)
    elif verb == "pause":
        say(_("All downloads are paused."))
    else:
        say(_("The downloads go on."))
        if left := int_of(answer, "left"):
            note(_("Still paused: %s") % group_thousands(left))


def _row(row: Json) -> list[str]:
    task = Task.of(row)
    return [
        str(task.id),
        str(int_of(row, "position") or "-"),
        task.resource or "-",
        text_of(row, "server_name") or "-",
        task.state,
        _progress(task, row),
    ]


def _progress(task: Task, row: Json) -> str:
    if task.state == "queued":
        return clean(text_of(object_of(row, "waits"), "detail")) or "-"
    return summary(task.progress) if task.progress.done is not None else "-"
