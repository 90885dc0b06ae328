"""The verbs that run on the panel's own machine: up, doctor, reset-password and so on."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from ollamactl.cli.text import gettext as _
from ollamactl.cli.text import language
from ollamactl.settings.env import Config, ConfigurationError, parse_bind
from ollamactl.supervisor.problems import StartError

FAILED, USAGE, NOT_FOUND = 1, 2, 4
HOME_OPTION = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help=_("The folder for everything, instead of OLLAMACTL_HOME."),
)
BIND_OPTION = click.option(
    "--bind",
    metavar="HOST:PORT",
    help=_("Where to listen, instead of OLLAMACTL_BIND (127.0.0.1:8800)."),
)


@click.command(help=_("Start the panel in the foreground; Ctrl-C ends it."))
@BIND_OPTION
@HOME_OPTION
@click.option("--demo", is_flag=True, help=_("Start a simulated Ollama too, to look around."))
def up(bind: str | None, home: Path | None, demo: bool) -> None:
    """Start the panel."""
    from ollamactl.supervisor.up import run_up

    config = read_config(bind, home)
    try:
        run_up(config, demo=demo)
    except StartError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(FAILED)


def _alone(run: Callable[[Config], None], bind: str | None, home: Path | None) -> None:
    try:
        run(read_config(bind, home))
    except StartError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(FAILED)


@click.command(help=_("Start a web process alone, for panels on several machines."))
@BIND_OPTION
@HOME_OPTION
def web(bind: str | None, home: Path | None) -> None:
    """Become a web process."""
    from ollamactl.supervisor.alone import run_web

    _alone(run_web, bind, home)


@click.command(help=_("Start a worker alone, for panels on several machines."))
@HOME_OPTION
@click.option(
    "--host-of",
    metavar="SERVER",
    help=_(
        "Do no tasks: tell the panel of this machine's disk, memory and GPUs, as those of the "
        "server with this name or id. Instead of OLLAMACTL_HOST_OF."
    ),
)
def worker(home: Path | None, host_of: str | None) -> None:
    """Become a worker, or the one that looks at a server's host."""
    from ollamactl.supervisor.alone import run_host_worker, run_worker

    server = read_config(None, home).host_of if host_of is None else host_of.strip()
    if host_of is not None and not server:
        _fail(_("--host-of: give the name or the id of a server."), USAGE)
    if not server:
        _alone(run_worker, None, home)
    else:
        _alone(lambda config: run_host_worker(config, server), None, home)


@click.command(help=_("Make or upgrade the database, before processes are started alone."))
@HOME_OPTION
def prepare(home: Path | None) -> None:
    """Prepare the database, and make the first administrator."""
    from ollamactl.supervisor.alone import prepare_panel

    _alone(lambda config: click.echo(prepare_panel(config), nl=False), None, home)


@click.command(help=_("Check what the panel needs, and say what to do about what is missing."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON for programs."))
@HOME_OPTION
def doctor(as_json: bool, home: Path | None) -> None:
    """Check this machine. Exits with 1 if something required fails."""
    from ollamactl.supervisor.doctor import examine

    findings = examine(read_config(None, home))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = click.style("ok", fg="green")
            if not finding.ok:
                mark = click.style(*(("FAIL", "red") if finding.required else ("warn", "yellow")))
            click.echo(f"{mark:<4}  {finding.name}: {finding.found}")
            if not finding.ok:
                click.echo(f"      {finding.advice}")
    if any(finding.required and not finding.ok for finding in findings):
        sys.exit(FAILED)


@click.command(help=_("Give a user a new password, and lift the lock-out after wrong ones."))
@click.argument("user")
@click.option(
    "--stdin", "from_stdin", is_flag=True, help=_("Read the password from the standard input.")
)
@HOME_OPTION
def reset_password(user: str, from_stdin: bool, home: Path | None) -> None:
    """Set a password and print it, unless it came from the standard input."""
    config = read_config(None, home)
    os.environ["OLLAMACTL_HOME"] = str(config.home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ollamactl.settings.base")
    if not config.database_url and not (config.home / "ollamactl.sqlite3").exists():
        _fail(_("There is no panel in %(home)s: start it first.") % {"home": config.home})
    import django

    django.setup()
    from django.utils import translation

    translation.activate(language())
    from audit_app.reset import PasswordRefused, UnknownUser, reset_user_password

    wanted = sys.stdin.readline().rstrip("\n") if from_stdin else None
    try:
        password = reset_user_password(user, wanted)
    except UnknownUser as error:
        _fail(str(error), NOT_FOUND)
    except PasswordRefused as error:
        _fail(str(error))
    if wanted is None:
        click.echo(_("The new password of %(user)s:") % {"user": user}, err=True)
        click.echo(password)


def read_config(bind: str | None, home: Path | None) -> Config:
    """The environment's configuration with what the command line says instead; ends the command
    with one line at a bad value."""
    try:
        environ = dict(os.environ)
        if home is not None:
            environ["OLLAMACTL_HOME"] = str(home.expanduser().absolute())
        if bind is not None:
            parse_bind(bind, "--bind")
            environ["OLLAMACTL_BIND"] = bind
        return Config.from_environ(environ)
    except ConfigurationError as error:
        _fail(str(error))


def _fail(sentence: str, status: int = FAILED) -> NoReturn:
    click.echo(f"ollamactl: {sentence}", err=True)
    sys.exit(status)
