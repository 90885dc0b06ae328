"""`ollamactl searches`: the searches that a user keeps."""

from __future__ import annotations

import click

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import int_of, text_of
from ollamactl.cli.terminal import clean, print_json, print_table, say
from ollamactl.cli.text import gettext as _


@click.group(help=_("Your saved searches of models."), invoke_without_command=True)
@json_option
@click.pass_context
def searches(ctx: click.Context, as_json: bool) -> None:
    """List the saved searches."""
    if ctx.invoked_subcommand is not None:
        return
    rows = list(Panel.current().every("searches/"))
    if as_json:
        print_json(rows)
        return
    cells = [[text_of(row, "name"), text_of(row, "query") or "-", _mark(row)] for row in rows]
    print_table(["NAME", "QUERY", "DEFAULT"], cells)


@searches.command(help=_("Save a search: QUERY as in the address of the list, status=running."))
@click.argument("name")
@click.argument("query")
@click.option("--default", "is_default", is_flag=True, help=_("Open the list with it."))
@json_option
def save(name: str, query: str, is_default: bool, as_json: bool) -> None:
    """Save a search under a name."""
    body = {"name": name, "query": query, "is_default": is_default}
    row = Panel.current().post("searches/", body)
    if as_json:
        print_json(row)
        return
    say(text_of(row, "name"))


@searches.command(help=_("Forget a saved search."))
@click.argument("name")
@json_option
def rm(name: str, as_json: bool) -> None:
    """Forget a saved search."""
    panel = Panel.current()
    row = find_search(panel, name)
    panel.delete(f"searches/{int_of(row, 'id')}/")
    if as_json:
        print_json(row)


def find_search(panel: Panel, name: str) -> Json:
    """The saved search of this name."""
    rows = [row for row in panel.every("searches/") if text_of(row, "name") == name]
    if not rows:
        raise CommandFailed(
            _("You have no saved search “%(name)s”. They are listed by: ollamactl searches")
            % {"name": clean(name)},
            exit_code=ExitCode.NOT_FOUND,
        )
    return rows[0]


def _mark(row: Json) -> str:
    return _("yes") if row.get("is_default") else ""
