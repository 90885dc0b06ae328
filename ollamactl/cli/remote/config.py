"""Where the panel is and who one is there: the environment, else the user's config file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.text import gettext as _

DEFAULT_URL = "http://127.0.0.1:8800"
LONGEST_FILE = 64 * 1024


@dataclass(frozen=True)
class Login:
    """One panel and a token for it; `token` is empty where nobody has logged in."""

    url: str
    token: str = ""
    user: str = ""
    expiry: str = ""


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """`$XDG_CONFIG_HOME/ollamactl/config.json`, else under `~/.config`."""
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else Path("~/.config").expanduser()
    return folder / "ollamactl" / "config.json"


def current_login(environ: Mapping[str, str] | None = None) -> Login:
    """`OLLAMACTL_URL` and `OLLAMACTL_TOKEN`, else what `ollamactl login` has stored.

    A stored token is never sent to another address than the one it was made for.
    """
    environ = os.environ if environ is None else environ
    stored = load_login(config_file(environ))
    wish = environ.get("OLLAMACTL_URL", "")
    url = panel_url(wish) if wish else stored.url
    if token := environ.get("OLLAMACTL_TOKEN", "").strip():
        return Login(url=url, token=checked_token(token))
    return stored if stored.url == url else Login(url=url)


def load_login(path: Path) -> Login:
    """What is stored; the default address without a token where nothing is."""
    try:
        with path.open(encoding="utf-8") as file:
            data = json.loads(file.read(LONGEST_FILE))
        url, token = data["url"], data["token"]
        user, expiry = data.get("user"), data.get("expiry")
    except FileNotFoundError:
        return Login(url=DEFAULT_URL)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandFailed(
            _("Cannot read %(path)s: %(error)s. Delete it and log in again.")
            % {"path": path, "error": error}
        ) from error
    return Login(
        url=panel_url(str(url)),
        token=checked_token(str(token)),
        user=str(user or ""),
        expiry=str(expiry or ""),
    )


def save_login(path: Path, login: Login) -> None:
    """Write the file, 0600 from its first byte, in one step."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(vars(login), file, indent=2)
            file.write("\n")
        Path(temporary).replace(path)
    except OSError as error:
        raise CommandFailed(
            _("Cannot write %(path)s: %(error)s.") % {"path": path, "error": error.strerror}
        ) from error


def forget_login(path: Path) -> None:
    """Delete the file, if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CommandFailed(
            _("Cannot delete %(path)s: %(error)s.") % {"path": path, "error": error.strerror}
        ) from error


def panel_url(text: str) -> str:
    """The panel's address without a slash at its end; a word without a scheme means http."""
    whole = text.strip()
    if "://" not in whole:
        whole = f"http://{whole}"
    try:
        parts = urlsplit(whole)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        usable = None
    if not usable or not whole.isascii() or not whole.isprintable() or " " in whole:
        raise CommandFailed(
            _("“%(url)s” is not the address of a panel. Write it like %(example)s.")
            % {"url": text, "example": DEFAULT_URL},
            exit_code=ExitCode.USAGE,
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise CommandFailed(
            _("Write the address of the panel without a user, a password or a query."),
            exit_code=ExitCode.USAGE,
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def checked_token(token: str) -> str:
    """The token, if it can be sent in a header."""
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise CommandFailed(
            _("This is not a token. Copy it again, whole and without spaces."),
            exit_code=ExitCode.USAGE,
        )
    return token


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine, so that no proxy and no listener is between."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
