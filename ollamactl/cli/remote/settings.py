"""`ollamactl settings`: what holds for the whole panel."""

from __future__ import annotations

from typing import Any

import click

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.terminal import clean, print_json, say
from ollamactl.cli.text import gettext as _

LISTS = ("retry_on",)
SIZES = ("keep_free_disk", "keep_free_memory")


@click.command(help=_("Show the panel's settings, or change some: downloads_per_server=5."))
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@json_option
def settings(changes: tuple[str, ...], as_json: bool) -> None:
    """Show the settings, after the changes."""
    panel = Panel.current()
    body = dict(_read(change) for change in changes)
    found = panel.patch("settings/", body) if body else panel.get("settings/")
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        say(f"{clean(str(name))} = {_written(value)}")


def _read(change: str) -> tuple[str, Any]:
    name, equals, text = change.partition("=")
    if not equals or not name.strip():
        raise CommandFailed(
            _("“%(text)s” is no KEY=VALUE.") % {"text": clean(change)}, exit_code=ExitCode.USAGE
        )
    return name.strip(), _value(name.strip(), text.strip())


def _value(name: str, text: str) -> Any:
    if name in LISTS:
        return [word.strip() for word in text.split(",") if word.strip()]
    if text in ("", "none", "null"):
        return None
    return int(text) if text.isascii() and text.isdigit() and name not in SIZES else text


def _written(value: Any) -> str:
    if isinstance(value, list):
        return clean(", ".join(map(str, value)))
    return "-" if value is None else clean(str(value))
