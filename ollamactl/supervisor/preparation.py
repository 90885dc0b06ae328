"""The database before the processes start: made, migrated and with its first administrator.

That takes a second of Django, so it is skipped where nothing can have changed: the same code and
packages, and a database whose migrations are the ones that the last preparation left.
"""

import hashlib
import json
import os
import sqlite3
import sysconfig
from contextlib import closing
from pathlib import Path

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import PROJECT

NOTE = "prepared.json"


def is_prepared(config: Config, demo_url: str) -> bool:
    """Whether the last preparation still holds. In doubt, and for other databases than the home's
    own, no."""
    try:
        note = json.loads((config.run_dir / NOTE).read_text())
    except (OSError, ValueError):
        return False
    return bool(note) and note == describe(config, demo_url)


def note_prepared(config: Config, demo_url: str) -> None:
    """Remember what was prepared."""
    target = config.run_dir / NOTE
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(describe(config, demo_url)))
    fresh.replace(target)


def describe(config: Config, demo_url: str) -> dict[str, str] | None:
    """What a preparation depends on; None where that cannot be told without Django."""
    if config.database_url:
        return None
    database = config.home / "ollamactl.sqlite3"
    if not database.exists():
        return None
    try:
        state = _database_state(database)
    except sqlite3.Error:
        return None
    return {"code": code_fingerprint(), "database": state, "demo": demo_url}


def code_fingerprint() -> str:
    """A hash over the panel's files (names, sizes, times) and the installed packages."""
    digest = hashlib.sha256()
    for package in sorted([*PROJECT.glob("*_app"), PROJECT / "ollamactl"]):
        for folder, _, names in os.walk(package):
            for name in sorted(names):
                if name.endswith(".py"):
                    status = os.stat(f"{folder}/{name}")  # noqa: PTH116 - hundreds of them
                    fact = f"{folder}/{name} {status.st_size} {status.st_mtime_ns}\n"
                    digest.update(fact.encode())
    packages = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    for name in sorted(path.name for path in packages):
        digest.update(f"{name}\n".encode())
    return digest.hexdigest()


def _database_state(database: Path) -> str:
    with closing(sqlite3.connect(database, timeout=2)) as connection:
        applied = connection.execute("SELECT app, name FROM django_migrations ORDER BY id")
        digest = hashlib.sha256(repr(applied.fetchall()).encode())
        administrators = connection.execute(
            "SELECT count(*) FROM auth_user WHERE is_superuser = 1"
        ).fetchone()
    digest.update(b"administrator" if administrators[0] else b"none")
    return digest.hexdigest()
