"""`ollamactl servers`: the Ollama servers that the panel looks after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.find import find_server, servers_of
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import Server, float_of, int_of, object_of, text_of
from ollamactl.cli.remote.secrets import ask_secret
from ollamactl.cli.terminal import can_ask, clean, print_json, print_table, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_size

UP = ("online", "degraded")
LARGEST_CA = 100_000
HEADINGS = ["ID", "NAME", "URL", "STATUS", "VERSION", "LATENCY", "DISK FREE", "MEMORY FREE"]


@click.group(invoke_without_command=True, help=_("Show the Ollama servers, and work on them."))
@click.pass_context
def servers(ctx: click.Context) -> None:
    """Without a verb: list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_servers)


@servers.command("ls", help=_("List the servers."))
@json_option
def list_servers(as_json: bool = False) -> None:
    """List the servers."""
    found = servers_of(Panel.current())
    if as_json:
        print_json([server.raw for server in found])
        return
    print_table(HEADINGS, [_row(server) for server in found])


@servers.command(help=_("Add a server. The panel checks it at once."))
@click.argument("name")
@click.argument("url")
@click.option("--bearer", is_flag=True, help=_("It wants a bearer token, which is asked for."))
@click.option("--user", metavar="USER", help=_("It wants this user, and a password."))
@click.option("--header", metavar="NAME", help=_("It wants a secret in this header."))
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("A PEM file with the certificate authority of the server."),
)
@json_option
def add(
    name: str,
    url: str,
    bearer: bool,
    user: str | None,
    header: str | None,
    ca: Path | None,
    as_json: bool,
) -> None:
    """Add a server; a secret comes from a prompt, or from stdin where nobody can be asked."""
    body: Json = {"name": name, "base_url": url, **_credentials(bearer, user, header)}
    if ca is not None:
        body["ca_pem"] = _pem(ca)
    server = Server.of(Panel.current().post("servers/", body))
    _report(server, as_json=as_json)


@servers.command("rm", help=_("Forget a server and its models here; nothing is changed on it."))
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help=_("Do not ask."))
def remove(name: str, yes: bool) -> None:
    """Forget a server."""
    panel = Panel.current()
    if not yes and not can_ask():
        raise CommandFailed(
            _("Deleting needs a yes, and nobody can be asked here. Add --yes."),
            exit_code=ExitCode.USAGE,
        )
    server = find_server(panel, name)
    shown = {"name": clean(server.name)}
    if not yes and not click.confirm(_("Forget the server %(name)s?") % shown, err=True):
        raise click.Abort
    panel.delete(f"servers/{server.id}/")
    say(_("forgot '%(name)s'") % shown)


@servers.command(help=_("Look at a server now. Ends with 1 if it cannot be used."))
@click.argument("name")
@json_option
def check(name: str, as_json: bool) -> None:
    """Check a server."""
    panel = Panel.current()
    server = Server.of(panel.post(f"servers/{find_server(panel, name).id}/check/"))
    _report(server, as_json=as_json)
    if text_of(server.raw, "status") not in UP:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _report(server: Server, *, as_json: bool) -> None:
    if as_json:
        print_json(server.raw)
        return
    print_table(HEADINGS, [_row(server)])
    if message := text_of(server.raw, "message"):
        say(clean(message))


def _row(server: Server) -> list[str]:
    latency = float_of(server.raw, "latency_ms")
    return [
        str(server.id),
        server.name,
        text_of(server.raw, "base_url"),
        text_of(server.raw, "status"),
        text_of(server.raw, "version") or "-",
        "-" if latency is None else f"{latency:.0f} ms",
        *(_free(server, part) for part in ("disk", "memory")),
    ]


def _free(server: Server, part: str) -> str:
    """What the worker on the server's host has said lately."""
    free = int_of(object_of(object_of(server.raw, "host"), part), "free")
    return "-" if free is None else format_size(free)


def _credentials(bearer: bool, user: str | None, header: str | None) -> dict[str, Any]:
    """The fields of the one way to log in that was chosen."""
    if sum((bearer, user is not None, header is not None)) > 1:
        raise CommandFailed(
            _("Choose one of --bearer, --user and --header."), exit_code=ExitCode.USAGE
        )
    if bearer:
        return {"auth_kind": "bearer", "credentials": {"token": ask_secret(_("Token"))}}
    if user is not None:
        secret = {"username": user, "password": ask_secret(_("Password"))}
        return {"auth_kind": "basic", "credentials": secret}
    if header is not None:
        secret = {"name": header, "value": ask_secret(_("Value"))}
        return {"auth_kind": "header", "credentials": secret}
    return {}


def _pem(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(LARGEST_CA)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(
            _("Cannot read %(path)s: %(error)s.") % {"path": path, "error": error},
            exit_code=ExitCode.USAGE,
        ) from error
