"""`ollamactl conflicts`: what the panel and the servers say differently, and settling it."""

from __future__ import annotations

from typing import Any

import click

from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.find import find_server
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import Task, object_of, text_of
from ollamactl.cli.terminal import clean, note, print_json, print_table, say
from ollamactl.cli.text import gettext as _


@click.group(help=_("List and settle what the panel and the servers say differently."))
def conflicts() -> None:
    """The conflicts that syncs have found."""


@conflicts.command("ls", help=_("List the conflicts that are open."))
@click.option("--server", metavar="NAME", help=_("Only this server, by name or id."))
@click.option("--all", "every", is_flag=True, help=_("Those that are settled too."))
@json_option
def list_conflicts(server: str | None, every: bool, as_json: bool) -> None:
    """Show conflicts with both sides."""
    panel = Panel.current()
    params: dict[str, Any] = {} if every else {"state": "open"}
    if server is not None:
        params["server"] = find_server(panel, server).id
    rows = list(panel.every("sync-conflicts/", params))
    if as_json:
        print_json(rows)
        return
    heads = [_("ID"), _("NAME"), _("SERVER"), _("KIND"), _("PANEL"), _("SERVER HAS"), _("STATE")]
    print_table(heads, [_line(row) for row in rows])


@conflicts.command("settle", help=_("Settle a conflict by its id."))
@click.argument("number", type=click.IntRange(min=1), metavar="ID")
@click.argument("how", type=click.Choice(["server", "panel", "ignore"]), metavar="HOW")
@json_option
def settle(number: int, how: str, as_json: bool) -> None:
    """Take the server's side, pull (or delete) by the panel's, or leave both as they are."""
    panel = Panel.current()
    answer = panel.post(f"sync-conflicts/{number}/settle/", {"how": how})
    if as_json:
        print_json(answer)
        return
    say(_("settled '%(name)s'") % {"name": clean(text_of(object_of(answer, "conflict"), "name"))})
    task = Task.of(object_of(answer, "task"))
    if task.id:
        note(_("Watch it: ollamactl tasks watch %d") % task.id)


def _line(row: dict[str, Any]) -> list[str]:
    sides = [
        text_of(object_of(row, side), "digest")[:12] or "-" for side in ("panel", "server_has")
    ]
    words = [text_of(row, name) for name in ("name", "server_name", "kind")]
    return [str(row.get("id", "")), *words, *sides, text_of(row, "state")]
