"""`ollamactl start`, `stop` and `rm`: what is done with models that are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.display import spinner_for
from ollamactl.cli.remote.find import find_model
from ollamactl.cli.remote.options import detach_option, json_option, server_option
from ollamactl.cli.remote.records import Model, Task
from ollamactl.cli.remote.watch import require_success, watch
from ollamactl.cli.terminal import can_ask, clean, print_json, say
from ollamactl.cli.text import gettext as _

names_argument = click.argument("names", nargs=-1, required=True, metavar="NAME...")
Send = Callable[[Panel, Model], Json]


@click.command(help=_("Load models into memory; they stay there until they are stopped."))
@names_argument
@click.option(
    "--keep-alive",
    metavar="TIME",
    help=_("How long they stay after the last request: seconds, 30m, 1h30m; -1 until stopped."),
)
@click.option("--num-ctx", type=click.IntRange(min=4), help=_("The context length in tokens."))
@server_option
@detach_option
@json_option
def start(
    names: tuple[str, ...],
    keep_alive: str | None,
    num_ctx: int | None,
    server: str | None,
    detach: bool,
    as_json: bool,
) -> None:
    """Load models."""
    asked = {"keep_alive": keep_alive, "num_ctx": num_ctx}
    body = {key: value for key, value in asked.items() if value is not None} or None
    work = Work(Panel.current(), detach=detach, as_json=as_json)
    work.doing, work.done = _("starting %(name)s"), _("started '%(name)s'")
    work.question = _("Stop waiting for %(name)s?")
    work.on_each(names, server, lambda panel, model: panel.post(f"models/{model.id}/start/", body))


@click.command(help=_("Unload models from memory, after the requests that they are answering."))
@names_argument
@click.option(
    "--force", is_flag=True, help=_("End the requests that they are answering with an error.")
)
@server_option
@detach_option
@json_option
def stop(
    names: tuple[str, ...], force: bool, server: str | None, detach: bool, as_json: bool
) -> None:
    """Unload models."""
    body = {"force": True} if force else None
    work = Work(Panel.current(), detach=detach, as_json=as_json)
    work.doing, work.done = _("stopping %(name)s"), _("stopped '%(name)s'")
    work.on_each(names, server, lambda panel, model: panel.post(f"models/{model.id}/stop/", body))


@click.command(help=_("Delete models from their server."))
@names_argument
@server_option
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask."))
@detach_option
@json_option
def remove(
    names: tuple[str, ...], server: str | None, yes: bool, detach: bool, as_json: bool
) -> None:
    """Delete models, once somebody has said yes."""
    work = Work(Panel.current(), detach=detach, as_json=as_json)
    work.doing, work.done = _("deleting %(name)s"), _("deleted '%(name)s'")
    if not yes:
        work.before = _ask_first
        if not can_ask():
            raise CommandFailed(
                _("Deleting needs a yes, and nobody can be asked here. Add --yes."),
                exit_code=ExitCode.USAGE,
            )
    work.on_each(names, server, lambda panel, model: panel.delete(f"models/{model.id}/"))


class Work:
    """The same work on several models, one after the other; the first failure counts at the end."""

    doing = done = question = ""

    def __init__(self, panel: Panel, *, detach: bool, as_json: bool) -> None:
        self.panel = panel
        self.before: Callable[[Model], None] | None = None
        self._detach = detach
        self._as_json = as_json

    def on_each(self, names: Sequence[str], server: str | None, send: Send) -> None:
        """Do it with each; go on after a failure, and end with the first one's code."""
        first: CommandFailed | None = None
        for name in dict.fromkeys(names):
            try:
                self._on_one(find_model(self.panel, name, server), send)
            except CommandFailed as error:
                error.show()
                first = first or error
        if first is not None:
            raise click.exceptions.Exit(first.exit_code)

    def _on_one(self, model: Model, send: Send) -> None:
        if self.before is not None:
            self.before(model)
        task = accepted_task(send(self.panel, model))
        if self._detach:
            self._tell_number(task)
            return
        name = {"name": clean(model.name)}
        display = spinner_for(self.doing % name, as_json=self._as_json)
        task = watch(self.panel, task.id, display, question=self.question % name)
        if self._as_json:
            print_json({"name": model.name, "task": task.raw})
        require_success(task)
        if not self._as_json:
            say(self.done % name)

    def _tell_number(self, task: Task) -> None:
        if self._as_json:
            print_json({"task": task.raw})
        else:
            say(str(task.id))


def _ask_first(model: Model) -> None:
    question = _("Delete %(name)s from %(server)s?") % {
        "name": clean(model.name),
        "server": clean(model.server_name),
    }
    if not click.confirm(question, err=True):
        raise click.Abort
