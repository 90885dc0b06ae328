"""`ollamactl connect` and `ollamactl open-webui`: how programs reach a server."""

from __future__ import annotations

import json

import click

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.find import server_to_use
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import object_of, rows_of, text_of
from ollamactl.cli.terminal import clean, clean_block, note, print_json, print_table, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.exports import to_env, to_yaml

PLACES = ("this-machine", "local-network", "container")
PROGRAMS = ("curl", "openai", "langchain", "open-webui", "vscode")
FORMATS = ("text", "env", "json", "yaml")


@click.command(help=_("Show by which URL programs reach a server, and what to paste into them."))
@click.argument("server", required=False)
@click.option(
    "--for",
    "situation",
    type=click.Choice([*PLACES, *PROGRAMS]),
    help=_("Only this place or program, with its texts."),
)
@click.option("--from", "place", type=click.Choice(PLACES), help=_("Where the program runs."))
@click.option("--model", metavar="NAME", help=_("The model that the texts name."))
@click.option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    default="text",
    help=_("How to print it; env, json and yaml are for other programs."),
)
@click.option("--no-try", is_flag=True, help=_("Do not try the URLs out."))
def connect(
    server: str | None,
    situation: str | None,
    place: str | None,
    model: str | None,
    format: str,
    no_try: bool,
) -> None:
    """Print connection information."""
    panel = Panel.current()
    wishes = {"for": situation, "place": place}
    params = {name: word.replace("-", "_") for name, word in wishes.items() if word}
    params |= {"model": model} if model else {}
    params["try"] = "false" if no_try else "true"
    found = server_to_use(panel, server)
    info = panel.get(f"servers/{found.id}/connection-info/", params)
    if format == "text":
        _show(info, with_texts=situation is not None)
    else:
        _export(info, format)


@click.command("open-webui", help=_("Find Open WebUI. Ends with 1 if a browser cannot go there."))
@click.argument("server", required=False)
@click.option("--open", "in_browser", is_flag=True, help=_("Open it in the browser."))
@json_option
def open_webui(server: str | None, in_browser: bool, as_json: bool) -> None:
    """Print the checked address of Open WebUI."""
    panel = Panel.current()
    found = server_to_use(panel, server)
    jump = panel.get(f"servers/{found.id}/open-webui/")
    is_ready = text_of(jump, "state") == "ready"
    if as_json:
        print_json(jump)
    elif not is_ready:
        raise CommandFailed(text_of(jump, "detail"), exit_code=ExitCode.FAILED)
    else:
        say(clean(text_of(jump, "url")))
        note(clean(text_of(jump, "detail")))
    if not is_ready:
        raise click.exceptions.Exit(ExitCode.FAILED)
    if in_browser:
        click.launch(_web_address(text_of(jump, "url")))


def _web_address(url: str) -> str:
    """The panel's word, but nothing that a desktop would open with anything but a browser."""
    if not url.startswith(("http://", "https://")):
        raise CommandFailed(_("The panel's answer is no web address."))
    return url


def _show(info: Json, *, with_texts: bool) -> None:
    ways = rows_of(info, "situations")
    rows = [[_word(way), text_of(way, "url") or "-", text_of(way, "state")] for way in ways]
    print_table(["FOR", "URL", "STATE"], rows)
    for way in ways if with_texts else []:
        note(clean(text_of(way, "detail")))
        for snippet in rows_of(way, "snippets"):
            say("")
            say(f"# {clean(text_of(snippet, 'title'))}")
            say(clean_block(text_of(snippet, "text")).rstrip("\n"))
    for warning in rows_of(info, "warnings"):
        note(clean(text_of(warning, "detail")))


def _word(way: Json) -> str:
    return text_of(way, "situation").replace("_", "-")


def _export(info: Json, format: str) -> None:
    ways = rows_of(info, "situations")
    if format == "env":
        variables = {
            name: value
            for way in ways
            for name, value in object_of(way, "variables").items()
            if isinstance(value, str) and name.isidentifier()
        }
        untold = _("Fill this in: the panel never tells a server's secrets.")
        say(to_env(variables, comment=text_of(info, "name"), untold=untold).rstrip("\n"))
        return
    data = {
        "server": text_of(info, "name"),
        "model": text_of(info, "model"),
        "authentication": text_of(object_of(info, "authentication"), "kind"),
        "situations": {text_of(way, "situation"): _data(way) for way in ways},
    }
    text = to_yaml(data) if format == "yaml" else json.dumps(data, ensure_ascii=False, indent=2)
    say(clean_block(text).rstrip("\n"))


def _data(way: Json) -> Json:
    kept = {name: text_of(way, name) for name in ("place", "url", "openai_url", "state")}
    return {**kept, "variables": object_of(way, "variables")}
