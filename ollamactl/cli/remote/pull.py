"""`ollamactl pull`: download a model, as with `ollama pull`."""

from __future__ import annotations

import click

from ollamactl.cli.failures import ApiError, CommandFailed, ExitCode
from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.find import server_to_use
from ollamactl.cli.remote.options import detach_option, json_option, server_option
from ollamactl.cli.remote.records import Task, int_of, object_of, rows_of, text_of
from ollamactl.cli.terminal import clean, note, print_json, say
from ollamactl.cli.text import gettext as _

NO_ROOM = "insufficient_resources"
MODEL_MISSING = "model_missing"
PULL = "model.pull"


@click.command(help=_("Download a model, or what is new of it."))
@click.argument("name")
@server_option
@click.option("--override", is_flag=True, help=_("Go on even if the resource check says no."))
@detach_option
@json_option
def pull(name: str, server: str | None, override: bool, detach: bool, as_json: bool) -> None:
    """Download a model and show how far it is."""
    panel = Panel.current()
    target = server_to_use(panel, server)
    try:
        answer = panel.post("models/", {"name": name, "server": target.id, "override": override})
        task = accepted_task(answer)
        _accepted(answer, as_json=as_json)
    except ApiError as error:
        if error.code == NO_ROOM:
            raise _no_room(name, error, as_json=as_json) from error
        task = _pull_under_way(panel, error)
        _joined(task, as_json=as_json)
    if not detach:
        stand_by(panel, name, task.id, as_json=as_json)
    elif not as_json:
        say(str(task.id))
        note(_("Watch it: ollamactl tasks watch %d") % task.id)


def stand_by(panel: Panel, name: str, task_id: int, *, as_json: bool) -> None:
    """Show a download until its end, and end as it ends."""
    from ollamactl.cli.remote.display import display_for
    from ollamactl.cli.remote.watch import require_success, watch

    display = display_for(name, as_json=as_json)
    question = "" if as_json else _("Stop waiting for %(name)s?") % {"name": clean(name)}
    task = watch(panel, task_id, display, question=question)
    if as_json:
        print_json({"event": "result", "task": task.raw})
    require_success(task)


def _pull_under_way(panel: Panel, error: ApiError) -> Task:
    """The download that is the reason of a refusal; the refusal itself if it is other work."""
    number = int_of(error.body, "task")
    if error.status != 409 or number is None:
        raise error
    task = Task.of(panel.get(f"tasks/{number}/"))
    if task.type != PULL:
        raise error
    return task


def _accepted(answer: Json, *, as_json: bool) -> None:
    """Say what the resource check found, where it did not say no."""
    if as_json:
        print_json({"event": "accepted", **answer})
        return
    for reason in _reasons(answer):
        note(_("Warning: %(reason)s") % {"reason": reason})


def _joined(task: Task, *, as_json: bool) -> None:
    if as_json:
        print_json({"event": "joined", "task": task.raw})
        return
    note(_("It is on its way already; this is task %d.") % task.id)


def _reasons(body: Json) -> list[str]:
    rows = rows_of(object_of(body, "preflight"), "reasons")
    return [clean(text_of(row, "detail") or text_of(row, "code")) for row in rows]


def _no_room(name: str, error: ApiError, *, as_json: bool) -> CommandFailed:
    """The check's reasons, and how to go on against it; a missing model leaves nothing to do."""
    if as_json:
        print_json({"event": "refused", **error.body})
    rows = rows_of(object_of(error.body, "preflight"), "reasons")
    missing = [row for row in rows if text_of(row, "code") == MODEL_MISSING]
    if missing:
        return CommandFailed(text_of(missing[0], "detail"), exit_code=ExitCode.NOT_FOUND)
    reasons = [f"- {reason}" for reason in _reasons(error.body)]
    advice = _("To go on all the same: ollamactl pull %(name)s --override")
    return CommandFailed(
        _("The resource check says no.") if reasons else error.message,
        exit_code=ExitCode.CONFLICT,
        hints=[*reasons, advice % {"name": clean(name)}],
    )
