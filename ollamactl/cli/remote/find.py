"""From the names that people type to the ids that the API takes."""

from __future__ import annotations

from typing import Any

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.records import Model, Server, rows_of
from ollamactl.cli.terminal import clean
from ollamactl.cli.text import gettext as _

MOST_NAMED = 20


def servers_of(panel: Panel) -> list[Server]:
    """All servers, in the panel's order."""
    return [Server.of(row) for row in panel.every("servers/")]


def find_server(panel: Panel, word: str) -> Server:
    """The server of this name, else of this id."""
    servers = servers_of(panel)
    for server in servers:
        if server.name == word:
            return server
    matches = [server for server in servers if server.name.casefold() == word.casefold()]
    matches = matches or [server for server in servers if str(server.id) == word]
    if len(matches) == 1:
        return matches[0]
    raise CommandFailed(
        _("There is no server “%(name)s”. There are: %(names)s")
        % {"name": word, "names": _names(servers) or "-"},
        exit_code=ExitCode.NOT_FOUND,
    )


def server_to_use(panel: Panel, word: str | None) -> Server:
    """The named server; the only one, where there is only one and none is named."""
    if word is not None:
        return find_server(panel, word)
    servers = servers_of(panel)
    if not servers:
        raise CommandFailed(
            _("The panel has no server yet."),
            exit_code=ExitCode.NOT_FOUND,
            hints=[_("Add one: ollamactl servers add NAME URL")],
        )
    if len(servers) > 1:
        raise CommandFailed(
            _("There are several servers. Choose one with --server: %(names)s")
            % {"names": _names(servers)},
            exit_code=ExitCode.USAGE,
        )
    return servers[0]


def find_model(panel: Panel, name: str, server: str | None) -> Model:
    """The model of this name in any spelling; `--server` picks among several."""
    params: dict[str, Any] = {"name": name}
    if server is not None:
        params["server"] = find_server(panel, server).id
    models = [Model.of(row) for row in rows_of(panel.get("models/", params), "results")]
    if not models:
        raise CommandFailed(
            _("The model “%(name)s” was not found.") % {"name": name},
            exit_code=ExitCode.NOT_FOUND,
            hints=[_("Pull it: ollamactl pull %(name)s") % {"name": clean(name)}],
        )
    if len(models) > 1:
        places = ", ".join(model.server_name for model in models[:MOST_NAMED])
        raise CommandFailed(
            _("“%(name)s” is on several servers. Choose one with --server: %(names)s")
            % {"name": name, "names": places},
            exit_code=ExitCode.USAGE,
        )
    return models[0]


def _names(servers: list[Server]) -> str:
    shown = ", ".join(server.name for server in servers[:MOST_NAMED])
    return shown + (", …" if len(servers) > MOST_NAMED else "")
