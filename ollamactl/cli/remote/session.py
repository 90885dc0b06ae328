"""`ollamactl login` and `logout`."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Any

import click

from ollamactl.cli.failures import ApiError, CommandFailed, ExitCode, Unreachable
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.config import (
    DEFAULT_URL,
    Login,
    checked_token,
    config_file,
    forget_login,
    is_loopback,
    load_login,
    panel_url,
    save_login,
)
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import object_of, text_of
from ollamactl.cli.remote.secrets import ask_secret
from ollamactl.cli.terminal import clean, note, print_json, say
from ollamactl.cli.text import gettext as _


@click.command(help=_("Log in at a panel (default: %(url)s).") % {"url": DEFAULT_URL})
@click.argument("url", required=False)
@click.option("--user", metavar="USER", help=_("Who you are; asked for if it is not given."))
@click.option(
    "--token",
    metavar="TOKEN",
    help=_("Use this token instead of a password; - reads it from stdin."),
)
@json_option
def login(url: str | None, user: str | None, token: str | None, as_json: bool) -> None:
    """Get a token, or take one, and keep it."""
    address = panel_url(url or os.environ.get("OLLAMACTL_URL") or DEFAULT_URL)
    if address.startswith("http:") and not is_loopback(address):
        note(_("Warning: %(url)s is not encrypted; others may read along.") % {"url": address})
    if token == "-":  # noqa: S105 - stands for stdin
        token = ask_secret(_("Token"))
    token = token or os.environ.get("OLLAMACTL_TOKEN", "").strip() if user is None else token
    fresh = _with_token(address, token) if token else _with_password(address, user)
    save_login(config_file(), fresh)
    if as_json:
        print_json({"url": fresh.url, "user": fresh.user, "expiry": fresh.expiry or None})
        return
    say(_("Logged in at %(url)s as %(user)s.") % {"url": fresh.url, "user": clean(fresh.user)})


@click.command(help=_("Log out: the token is revoked and forgotten."))
def logout() -> None:
    """Revoke the stored token, and delete it here whatever the panel says."""
    path = config_file()
    stored = load_login(path)
    if not stored.token:
        say(_("You are not logged in."))
        return
    problem = ""
    try:
        Panel(stored).send("POST", "auth/logout/")
    except Unreachable as error:
        problem = error.message
    except ApiError as error:
        if error.status != 401:  # 401: it was no longer valid
            problem = error.message
    forget_login(path)
    if problem:
        raise CommandFailed(
            problem,
            hints=[
                _("The token is forgotten here, but valid there until it ends. Revoke it there.")
            ],
        )
    say(_("Logged out."))


def _with_token(address: str, token: str) -> Login:
    """A login with a token that somebody has; the panel says whose it is."""
    token = checked_token(token.strip())
    me = Panel(Login(url=address, token=token)).get("me/")
    return Login(url=address, token=token, user=_user(me))


def _with_password(address: str, user: str | None) -> Login:
    """A login with a password, which is neither kept nor shown."""
    if user is None:
        if not sys.stdin.isatty():
            raise CommandFailed(
                _("Nobody can be asked here. Give --user and a password on stdin, or --token."),
                exit_code=ExitCode.USAGE,
            )
        user = str(click.prompt(_("User"), err=True))
    if ":" in user:
        raise CommandFailed(_("A user's name has no colon."), exit_code=ExitCode.USAGE)
    password = ask_secret(_("Password"))
    panel = Panel(Login(url=address))
    name = f"ollamactl on {platform.node() or '?'}"[:100]
    answer = _object(panel, user, password, name)
    token = checked_token(text_of(answer, "token"))
    if not token:
        raise CommandFailed(
            _("What answers at %(url)s is not an ollamactl panel. Check the address.")
            % {"url": address}
        )
    return Login(url=address, token=token, user=user, expiry=text_of(answer, "expiry"))


def _object(panel: Panel, user: str, password: str, name: str) -> dict[str, Any]:
    """The answer to a login; a refusal without the advice to log in."""
    try:
        answer = panel.send("POST", "auth/login/", body={"name": name}, basic=(user, password))
    except ApiError as error:
        if error.status == 401:
            error.hints = ()
        raise
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _user(me: dict[str, Any]) -> str:
    user = object_of(me, "user")
    return text_of(user, "username") or text_of(me, "username")
