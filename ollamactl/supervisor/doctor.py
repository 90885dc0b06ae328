"""`ollamactl doctor`: what the panel needs, what this machine has, and what to do about it."""

import http.client
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ollamactl.cli.text import gettext as _
from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import PROJECT, child_environment
from ollamactl.supervisor.home import check_writable
from ollamactl.supervisor.listener import open_listener
from ollamactl.supervisor.lock import read_holder
from ollamactl.supervisor.name_index import has_name_index
from ollamactl.supervisor.outside import (
    address_of,
    database_file,
    find_broker,
    find_database,
    is_postgresql,
)
from ollamactl.supervisor.problems import StartError
from ollamactl.supervisor.valkey import find_valkey

OLLAMA_TIMEOUT = 3.0
ROWS_TIMEOUT = 60.0


@dataclass(frozen=True)
class Finding:
    """One requirement. `name` is the same in every language; `advice` is empty where it is met."""

    name: str
    required: bool
    ok: bool
    found: str
    advice: str = ""


def examine(config: Config) -> list[Finding]:
    """Look at everything; nothing is changed."""
    first: tuple[Callable[[Config], Finding], ...] = (
        check_python,
        check_system,
        check_home,
        check_valkey,
        check_address,
        check_database,
    )
    last: tuple[Callable[[Config], Finding], ...] = (
        check_search,
        check_messages,
        check_exposure,
        check_ollama,
    )
    rows = check_rows(config)
    return [*(check(config) for check in first), *rows, *(check(config) for check in last)]


def check_python(config: Config) -> Finding:
    """The interpreter."""
    found = f"{platform.python_version()} ({sys.executable})"
    ok = sys.version_info >= (3, 11)
    return _finding("Python", found, ok, _("Install Python 3.11 or newer."))


def check_system(config: Config) -> Finding:
    """The operating system."""
    found = f"{platform.system()} {platform.machine()}"
    advice = _("Run the panel on Linux or macOS; on Windows in WSL2.")
    return _finding("system", found, platform.system() in ("Linux", "Darwin"), advice)


def check_home(config: Config) -> Finding:
    """The folder for everything."""
    existing = next(path for path in (config.home, *config.home.parents) if path.exists())
    try:
        check_writable(existing)
    except StartError as error:
        return Finding("home", True, False, str(config.home), str(error))
    free = shutil.disk_usage(existing).free / 1e9
    found = _("%(path)s, %(free).1f GB free") % {"path": config.home, "free": free}
    return _finding("home", found)


def check_valkey(config: Config) -> Finding:
    """The broker: embedded, or one of the user's own."""
    if config.valkey_url:
        return _outside("Valkey", config.valkey_url, find_broker, config)
    try:
        binary = find_valkey()
        version = subprocess.run(
            [binary, "--version"], check=True, capture_output=True, text=True, timeout=10
        ).stdout.strip()
    except StartError as error:
        return Finding("Valkey", True, False, _("no server"), str(error))
    except (OSError, subprocess.SubprocessError) as error:
        advice = _("Install valkey-server, or set OLLAMACTL_VALKEY_URL to one that runs.")
        return Finding("Valkey", True, False, str(error), advice)
    return _finding("Valkey", version)


def check_address(config: Config) -> Finding:
    """Where the panel listens."""
    where = f"{config.bind_host}:{config.bind_port}"
    holder = read_holder(config.home)
    if holder is not None:
        return _finding("address", _("the panel runs: %(url)s") % {"url": holder.get("url", where)})
    try:
        open_listener(config.bind_host, config.bind_port).close()
    except StartError as error:
        return Finding("address", True, False, where, str(error))
    return _finding("address", _("%(address)s is free") % {"address": where})


def check_database(config: Config) -> Finding:
    """Whether the database can be read. Its version is checked at the start."""
    if is_postgresql(config):
        return _outside("database", config.database_url, find_database, config)
    path = database_file(config)
    if not path.exists():
        return _finding("database", _("not made yet"))
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as connection:
            problems = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        problems = str(error)
    advice = _("Restore a copy from %(folder)s, or move %(path)s away to begin anew.") % {
        "folder": config.home / "backups",
        "path": path,
    }
    found = f"{path}, {path.stat().st_size / 1e6:.1f} MB"
    return _finding("database", found if problems == "ok" else problems, problems == "ok", advice)


def _outside(name: str, url: str, find: Callable[[Config], str], config: Config) -> Finding:
    try:
        values = {"version": find(config), "address": address_of(url)}
    except StartError as error:
        return Finding(name, True, False, address_of(url), str(error))
    return _finding(name, _("%(version)s at %(address)s") % values)


def check_rows(config: Config) -> list[Finding]:
    """Whether tasks and models agree with each other, of a large database the newest ones; and
    whether the workers on servers' hosts, where there are any, still report."""
    if not config.database_url and not (config.home / "ollamactl.sqlite3").exists():
        return [_finding("rows", _("not made yet"))]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "django", "check_rows"],
            env=child_environment(config, os.environ),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
            timeout=ROWS_TIMEOUT,
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        advice = _("Start the panel: it brings the database up to date, or says why it cannot.")
        return [_finding("rows", _("they cannot be read"), False, advice, required=False)]
    hosts = [_hosts(found["reports"], found["silent"])] if found["reports"] else []
    rivals = [_rivals(found["rivals"])] if found["rivals"] else []
    return [_contradictions(found), *hosts, *rivals]


def _contradictions(found: dict[str, Any]) -> Finding:
    if not found["count"]:
        return _finding("rows", _("tasks and models agree"))
    advice = _("Restart the panel, which sets right what a crash has left. Report what stays.")
    shown = _("contradictions: %(count)d; %(first)s")
    values = {"count": found["count"], "first": "; ".join(found["broken"][:3])}
    return _finding("rows", shown % values, False, advice)


def _hosts(reports: int, silent: list[str]) -> Finding:
    """What those say that were started by `ollamactl worker --host-of`."""
    if not silent:
        shown = _("workers on servers' hosts that report: %(count)d")
        return _finding("hosts", shown % {"count": reports}, required=False)
    advice = _(
        "Start `ollamactl worker --host-of SERVER` on its host again: until then the resource "
        "check knows neither its disk nor its memory."
    )
    shown = _("the worker on the host is silent: %(names)s")
    return _finding("hosts", shown % {"names": ", ".join(silent)}, False, advice, required=False)


def _rivals(servers: list[str]) -> Finding:
    """Two workers for one server overwrite each other's reports."""
    advice = _(
        "The server's page names both hosts and processes: end the worker that is not on its host."
    )
    shown = _("two workers report for: %(names)s")
    return _finding("hosts", shown % {"names": ", ".join(servers)}, False, advice, required=False)


def check_search(config: Config) -> Finding:
    """Whether a search for a model forgives typing errors."""
    is_there = has_name_index(config)
    if is_there is None:
        return _finding("search", _("not made yet"), required=False)
    if is_there:
        return _finding("search", _("forgives typing errors"), required=False)
    advice = _(
        "SQLite 3.34 or newer with FTS5 is needed. Install a Python that has it, then restart the "
        "panel."
    )
    if is_postgresql(config):
        advice = _(
            "An administrator of the database has to say CREATE EXTENSION pg_trgm in it. Then run "
            "the panel's migrations again: they make the index."
        )
    return _finding("search", _("finds parts of names only"), False, advice, required=False)


def check_messages(config: Config) -> Finding:
    """The compiled translations."""
    catalogues = sorted((PROJECT / "locale").glob("*/LC_MESSAGES/*.po"))
    missing = [path.parent.parent.name for path in catalogues if not _is_compiled(path)]
    found = _("compiled")
    if missing:
        found = _("not compiled: %(names)s") % {"names": ", ".join(missing)}
    return _finding("translations", found, not missing, _("Run `make install`."), required=False)


def check_exposure(config: Config) -> Finding:
    """Who can reach the panel, and over what."""
    https = config.public_url.startswith("https://")
    found = config.public_url or f"http://{config.bind_host}:{config.bind_port}"
    advice = _(
        "Passwords can be read on the way. Put an HTTPS proxy before the panel and set "
        "OLLAMACTL_PUBLIC_URL."
    )
    return _finding("exposure", found, config.is_on_loopback or https, advice, required=False)


def check_ollama(config: Config) -> Finding:
    """The Ollama that the panel adds by itself."""
    version = _ollama_version(config.ollama_url)
    if version:
        values = {"url": config.ollama_url, "version": version}
        return _finding("Ollama", _("%(url)s, version %(version)s") % values, required=False)
    advice = _(
        "Nothing answers at %(url)s. Start Ollama, set OLLAMACTL_OLLAMA_URL, or add a server in "
        "the panel."
    ) % {"url": config.ollama_url}
    return _finding("Ollama", _("no answer"), False, advice, required=False)


def _finding(
    name: str, found: str, ok: bool = True, advice: str = "", *, required: bool = True
) -> Finding:
    return Finding(name, required, ok, found, "" if ok else advice)


def _is_compiled(catalogue: Path) -> bool:
    compiled = catalogue.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime >= catalogue.stat().st_mtime


def _ollama_version(url: str) -> str:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=OLLAMA_TIMEOUT)) as connection:
            connection.request("GET", f"{parts.path}/api/version")
            answer = connection.getresponse().read(4096)
        version = json.loads(answer)["version"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return ""
    return str(version)[:64]
