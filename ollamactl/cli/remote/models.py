"""`ollamactl ls` and `ollamactl ps`: the models, in Ollama's own columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import click

from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.find import find_server, servers_of
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import Model, int_of, object_of, text_of, time_of
from ollamactl.cli.remote.searches import find_search
from ollamactl.cli.remote.times import relative
from ollamactl.cli.terminal import print_json, print_table
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_size

DIGEST_SHOWN = 12
FOREVER = timedelta(days=20 * 365)
# With one server these need no column: a model that is there, and one that is loaded.
PLAIN_STATUSES = ("stopped", "running")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

server_filter = click.option("--server", metavar="NAME", help=_("Only this server, by name or id."))
status_filter = click.option(
    "--status", metavar="STATUS", help=_("Only models of this status; several with commas.")
)
search_argument = click.argument("search", required=False)


@click.command(help=_("List the models; SEARCH is a part of the name."))
@search_argument
@server_filter
@status_filter
@click.option(
    "--saved",
    metavar="NAME",
    help=_("Use this saved search (ollamactl searches); what else is asked for counts before it."),
)
@json_option
def list_models(
    search: str | None, server: str | None, status: str | None, saved: str | None, as_json: bool
) -> None:
    """List the models, the newest first, as Ollama does; a saved search may have its own order."""
    panel = Panel.current()
    asked = _query_of(panel, saved) if saved is not None else {}
    models = _models(panel, search, server, status, asked)
    if "ordering" not in asked:
        models.sort(key=lambda model: time_of(model.raw, "modified_at") or LONG_AGO, reverse=True)
    if as_json:
        print_json([model.raw for model in models])
        return
    now = datetime.now(UTC)
    _print(panel, models, ["NAME", "ID", "SIZE", "MODIFIED"], [_installed(m, now) for m in models])


@click.command(help=_("List the models that are loaded; SEARCH is a part of the name."))
@search_argument
@server_filter
@status_filter
@json_option
def list_running(search: str | None, server: str | None, status: str | None, as_json: bool) -> None:
    """List what is in memory."""
    panel = Panel.current()
    models = _models(panel, search, server, status, {"loaded": "true"})
    if as_json:
        print_json([model.raw for model in models])
        return
    now = datetime.now(UTC)
    headings = ["NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"]
    _print(panel, models, headings, [_running(model, now) for model in models])


def _models(
    panel: Panel,
    search: str | None,
    server: str | None,
    status: str | None,
    more: Mapping[str, Any],
) -> list[Model]:
    params: dict[str, Any] = {"ordering": "name", **more}
    if search:
        params["search"] = search
    if status:
        params["status"] = status
    if server is not None:
        params["server"] = find_server(panel, server).id
    return [Model.of(row) for row in panel.every("models/", params)]


def _query_of(panel: Panel, saved: str) -> dict[str, Any]:
    """What a saved search asks for, by the names of the API's filters."""
    return parse_qs(text_of(find_search(panel, saved), "query"))


def _print(panel: Panel, models: list[Model], headings: list[str], rows: list[list[str]]) -> None:
    """A table; with several servers, or with work under way, it says where and how each stands."""
    several = len({model.server_id for model in models}) > 1 or len(servers_of(panel)) > 1
    if several:
        headings = [*headings, "SERVER"]
        rows = [[*row, model.server_name] for row, model in zip(rows, models, strict=True)]
    if several or any(model.status not in PLAIN_STATUSES for model in models):
        headings = [*headings, "STATUS"]
        rows = [[*row, model.status] for row, model in zip(rows, models, strict=True)]
    print_table(headings, rows)


def _installed(model: Model, now: datetime) -> list[str]:
    modified = time_of(model.raw, "modified_at")
    return [
        model.name,
        text_of(model.raw, "digest")[:DIGEST_SHOWN] or "-",
        _size(int_of(model.raw, "size")),
        relative(modified, now) if modified else "-",
    ]


def _running(model: Model, now: datetime) -> list[str]:
    loaded = object_of(model.raw, "loaded")
    context = int_of(loaded, "context_length")
    return [
        model.name,
        text_of(model.raw, "digest")[:DIGEST_SHOWN] or "-",
        _size(int_of(loaded, "size")),
        text_of(loaded, "processor") or "-",
        str(context) if context else "-",
        _until(time_of(loaded, "expires_at"), now),
    ]


def _until(expires: datetime | None, now: datetime) -> str:
    if expires is None or expires - now > FOREVER:
        return _("Forever")
    return relative(expires, now) if expires > now else _("Stopping...")


def _size(size: int | None) -> str:
    return "-" if size is None else format_size(size)
