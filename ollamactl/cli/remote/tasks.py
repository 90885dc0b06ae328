"""`ollamactl tasks`: the panel's long work."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from ollamactl.cli.failures import ApiError, Unreachable
from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.progress_text import phase_label, summary
from ollamactl.cli.remote.pull import stand_by
from ollamactl.cli.remote.records import Task, rows_of, text_of, time_of
from ollamactl.cli.remote.times import relative
from ollamactl.cli.terminal import clean, clean_block, print_json, print_table, say
from ollamactl.cli.text import gettext as _

SHOWN = 50
LOG_EVERY_S = 1.0
id_argument = click.argument("task_id", type=click.IntRange(min=1), metavar="ID")


@click.group(invoke_without_command=True, help=_("Show the panel's long work, and work on it."))
@click.pass_context
def tasks(ctx: click.Context) -> None:
    """Without a verb: list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_tasks)


@tasks.command("ls", help=_("List the newest tasks."))
@click.option("--state", metavar="STATE", help=_("Only tasks of this state; several with commas."))
@click.option(
    "-n", "number", type=click.IntRange(1, 200), default=SHOWN, help=_("How many to show.")
)
@json_option
def list_tasks(state: str | None = None, number: int = SHOWN, as_json: bool = False) -> None:
    """List tasks, the newest first."""
    params: dict[str, str | int] = {"page_size": number, **({"state": state} if state else {})}
    rows = rows_of(Panel.current().get("tasks/", params), "results")
    if as_json:
        print_json(rows)
        return
    now = datetime.now(UTC)
    headings = ["ID", "TYPE", "RESOURCE", "STATE", "PROGRESS", "CREATED"]
    print_table(headings, [_row(Task.of(row), now) for row in rows])


@tasks.command(help=_("Show one task."))
@id_argument
@json_option
def show(task_id: int, as_json: bool) -> None:
    """Show one task with its error and result."""
    task = Task.of(Panel.current().get(f"tasks/{task_id}/"))
    if as_json:
        print_json(task.raw)
        return
    lines = [
        (_("task"), str(task.id)),
        (_("type"), task.type),
        (_("resource"), task.resource),
        (_("state"), task.state),
        (_("progress"), _progress(task)),
        (_("error"), task.error_detail),
        (_("created"), text_of(task.raw, "created_at")),
        (_("started"), text_of(task.raw, "started_at")),
        (_("finished"), text_of(task.raw, "finished_at")),
    ]
    for label, value in lines:
        if value:
            say(f"{label}: {clean(value)}")


@tasks.command(help=_("Show a task's progress until its end, as pull does."))
@id_argument
@json_option
def watch(task_id: int, as_json: bool) -> None:
    """Watch a task that was left running."""
    panel = Panel.current()
    task = Task.of(panel.get(f"tasks/{task_id}/"))
    stand_by(panel, task.resource or task.type, task_id, as_json=as_json)


@tasks.command(help=_("Cancel tasks; what was there before them stays."))
@click.argument("task_ids", type=click.IntRange(min=1), metavar="ID...", nargs=-1, required=True)
@json_option
def cancel(task_ids: tuple[int, ...], as_json: bool) -> None:
    """Cancel tasks; the first refusal ends the command."""
    panel = Panel.current()
    for task_id in task_ids:
        task = accepted_task(panel.post(f"tasks/{task_id}/cancel/"))
        if as_json:
            print_json({"task": task.raw})
        else:
            say(_("Cancelling task %d.") % task.id)


@tasks.command(help=_("Put a failed or cancelled task in the queue again."))
@id_argument
@json_option
def retry(task_id: int, as_json: bool) -> None:
    """Try again."""
    task = accepted_task(Panel.current().post(f"tasks/{task_id}/retry/"))
    if as_json:
        print_json({"task": task.raw})
    else:
        say(_("Task %(id)d is in the queue. Watch it: ollamactl tasks watch %(id)d") % vars(task))


@tasks.command(help=_("Print a task's log."))
@id_argument
@click.option("--follow", "-f", is_flag=True, help=_("Go on until the task ends."))
def log(task_id: int, follow: bool) -> None:
    """Print the log; with `--follow` what is added, too."""
    reader = LogReader(Panel.current(), task_id)
    while follow and not reader.is_ended():
        reader.print_new(is_early=True)
        time.sleep(LOG_EVERY_S)
    reader.print_new()


class LogReader:
    """Prints a task's log piece by piece."""

    def __init__(self, panel: Panel, task_id: int) -> None:
        self._panel = panel
        self._path = f"tasks/{task_id}/"
        self._offset = 0

    def is_ended(self) -> bool:
        """Whether the task has ended, so that nothing more is written."""
        try:
            return Task.of(self._panel.get(self._path)).is_ended
        except Unreachable:
            return False

    def print_new(self, *, is_early: bool = False) -> None:
        """Print what is new. While it is early there may be no log yet, or no panel for a while."""
        while True:
            try:
                answer = self._panel.send(
                    "GET", f"{self._path}log/", params={"offset": self._offset}
                )
            except (ApiError, Unreachable) as error:
                if is_early and (isinstance(error, Unreachable) or error.code == "log_missing"):
                    return
                raise
            click.echo(clean_block(answer.body.decode(errors="replace")), nl=False)
            offset = _number(answer.headers, "X-Log-Next-Offset", self._offset + len(answer.body))
            if offset <= self._offset or offset >= _number(answer.headers, "X-Log-Size", offset):
                self._offset = max(offset, self._offset)
                return
            self._offset = offset


def _number(headers: object, name: str, default: int) -> int:
    text = headers.get(name) if hasattr(headers, "get") else None
    return int(text) if text and text.isascii() and text.isdigit() else default


def _row(task: Task, now: datetime) -> list[str]:
    created = time_of(task.raw, "created_at")
    return [
        str(task.id),
        task.type,
        task.resource or "-",
        task.state,
        _progress(task) or "-",
        relative(created, now) if created else "-",
    ]


def _progress(task: Task) -> str:
    if task.state == "running" and task.progress.unit == "bytes" and task.progress.done is not None:
        return summary(task.progress)
    if task.state == "running":
        return phase_label(task, task.resource)
    return ""
