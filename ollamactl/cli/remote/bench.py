"""`ollamactl bench`: how fast a model answers."""

from __future__ import annotations

from typing import Any

import click

from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.display import spinner_for
from ollamactl.cli.remote.find import find_model
from ollamactl.cli.remote.options import detach_option, json_option, server_option
from ollamactl.cli.remote.records import float_of, object_of
from ollamactl.cli.remote.watch import require_success, watch
from ollamactl.cli.terminal import clean, print_json, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_figure


@click.command(help=_("Measure how fast a model loads and answers a fixed prompt."))
@click.argument("name", metavar="NAME")
@click.option("--tokens", type=click.IntRange(min=1), help=_("How long the answer may be."))
@server_option
@detach_option
@json_option
def bench(name: str, tokens: int | None, server: str | None, detach: bool, as_json: bool) -> None:
    """Measure a model."""
    panel = Panel.current()
    model = find_model(panel, name, server)
    body = {"tokens": tokens} if tokens is not None else None
    task = accepted_task(panel.post(f"models/{model.id}/benchmark/", body))
    if detach:
        print_json({"task": task.raw}) if as_json else say(str(task.id))
        return
    shown = {"name": clean(model.name)}
    display = spinner_for(_("measuring %(name)s") % shown, as_json=as_json)
    task = watch(panel, task.id, display, question=_("Stop waiting for %(name)s?") % shown)
    if as_json:
        print_json({"name": model.name, "task": task.raw})
    require_success(task)
    if not as_json:
        _tell(object_of(task.result, "benchmark"))


def _tell(found: dict[str, Any]) -> None:
    for name, text in (
        ("load_seconds", _("loaded in %(figure)s s")),
        ("first_token_seconds", _("first token after %(figure)s s")),
        ("prompt_rate", _("prompt: %(figure)s tokens a second")),
        ("token_rate", _("answer: %(figure)s tokens a second")),
    ):
        value = float_of(found, name)
        if value is not None:
            say(text % {"figure": format_figure(value)})
