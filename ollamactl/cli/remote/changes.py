"""`ollamactl cp`, `mv`, `pin` and `unpin`: names of models, and what is kept."""

from __future__ import annotations

from typing import Any, TextIO

import click

from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.find import find_model
from ollamactl.cli.remote.lifecycle import Work, names_argument
from ollamactl.cli.remote.options import detach_option, json_option, server_option
from ollamactl.cli.remote.records import object_of, text_of
from ollamactl.cli.terminal import clean, print_json, say
from ollamactl.cli.text import gettext as _

old_argument = click.argument("name", metavar="NAME")
new_argument = click.argument("new_name", metavar="NEW_NAME")


@click.command(help=_("Copy a model under a second name on its server."))
@old_argument
@new_argument
@server_option
@detach_option
@json_option
def copy(name: str, new_name: str, server: str | None, detach: bool, as_json: bool) -> None:
    """Copy a model."""
    work = Work(Panel.current(), detach=detach, as_json=as_json)
    work.doing, work.done = _("copying %(name)s"), _("copied '%(name)s'")
    work.on_each(
        [name],
        server,
        lambda panel, model: panel.post(f"models/{model.id}/copy/", {"name": new_name}),
    )


@click.command(help=_("Rename a model on its server."))
@old_argument
@new_argument
@server_option
@detach_option
@json_option
def rename(name: str, new_name: str, server: str | None, detach: bool, as_json: bool) -> None:
    """Rename a model."""
    work = Work(Panel.current(), detach=detach, as_json=as_json)
    work.doing, work.done = _("renaming %(name)s"), _("renamed '%(name)s'")
    work.on_each(
        [name],
        server,
        lambda panel, model: panel.post(f"models/{model.id}/rename/", {"name": new_name}),
    )


@click.command(
    help=_("Make a model anew with changes, or pull it again; the old one stays until then.")
)
@old_argument
@click.option(
    "--parameter",
    "-p",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help=_("A parameter such as temperature=0.7; may be given several times."),
)
@click.option("--system", metavar="TEXT", help=_("The system prompt."))
@click.option(
    "--template",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help=_("A file with the template of the prompt; - reads it from the input."),
)
@server_option
@detach_option
@json_option
def recreate(
    name: str,
    parameters: tuple[str, ...],
    system: str | None,
    template: TextIO | None,
    server: str | None,
    detach: bool,
    as_json: bool,
) -> None:
    """Make a model anew."""
    body: dict[str, Any] = {}
    if parameters:
        body["parameters"] = _parameters(parameters)
    if system is not None:
        body["system"] = system
    if template is not None:
        body["template"] = template.read()
    work = Work(Panel.current(), detach=detach, as_json=as_json)
    work.doing, work.done = _("recreating %(name)s"), _("recreated '%(name)s'")
    work.on_each(
        [name],
        server,
        lambda panel, model: panel.post(f"models/{model.id}/recreate/", body or None),
    )


def _parameters(given: tuple[str, ...]) -> dict[str, Any]:
    """Names and values; a `stop` that comes again is one more."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(_("Write it as NAME=VALUE."), param_hint="--parameter")
        if name == "stop":
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


@click.command(help=_("Pin models: the panel's own clean-ups leave them alone."))
@names_argument
@server_option
@json_option
def pin(names: tuple[str, ...], server: str | None, as_json: bool) -> None:
    """Pin models."""
    _pin(names, server, "pin", _("pinned '%(name)s'"), as_json=as_json)


@click.command(help=_("Unpin models."))
@names_argument
@server_option
@json_option
def unpin(names: tuple[str, ...], server: str | None, as_json: bool) -> None:
    """Unpin models."""
    _pin(names, server, "unpin", _("unpinned '%(name)s'"), as_json=as_json)


def _pin(
    names: tuple[str, ...], server: str | None, verb: str, done: str, *, as_json: bool
) -> None:
    panel = Panel.current()
    for name in dict.fromkeys(names):
        answer = panel.post(f"models/{find_model(panel, name, server).id}/{verb}/")
        if as_json:
            print_json(object_of(answer, "model"))
        else:
            say(done % {"name": clean(text_of(object_of(answer, "model"), "name"))})
