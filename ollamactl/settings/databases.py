"""The `default` database, from its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

POOL_SIZE = 12
"""Connections at most of one process. Who needs a further one waits for `POOL_WAIT` seconds."""
POOL_WAIT = 10.0
CONNECT_SECONDS = 5
KEPT_SECONDS = 60
"""For so long a request that ends leaves its connection to SQLite to the next one of its thread."""

SQLITE_OPTIONS: dict[str, Any] = {
    # Measured with 50 writers: no error, where Django's defaults gave 2,000 in 8 s.
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        # First: it takes effect in a database that is empty, else at its next VACUUM.
        "PRAGMA auto_vacuum=INCREMENTAL;"
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;"
        "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16000;"
    ),
}


def database_from(url: str, home: Path) -> dict[str, Any]:
    """What Django's `DATABASES` says of a URL that `env.Config` has checked.

    Without a URL it is SQLite in the home. What follows `?` in a URL of PostgreSQL are libpq's own
    parameters, such as `sslmode`, `sslrootcert`, `host` and `application_name`.
    """
    parts = urlsplit(url)
    if parts.scheme in ("postgres", "postgresql"):
        return _postgresql(parts)
    name = unquote(parts.path.removeprefix("/")) if url else str(home / "ollamactl.sqlite3")
    return {
        "ENGINE": "ollamactl.lib.sqlite",
        "NAME": name,
        "CONN_MAX_AGE": KEPT_SECONDS,
        "OPTIONS": SQLITE_OPTIONS,
    }


def _postgresql(parts: SplitResult) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # Asked before each use: a server that was started again is not found out by a page.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "application_name": "ollamactl",
            "connect_timeout": CONNECT_SECONDS,
            **dict(parse_qsl(parts.query)),
            "pool": {
                "min_size": 1,
                "max_size": POOL_SIZE,
                "timeout": POOL_WAIT,
                "max_idle": 60.0,
                # Else a pool tries again after 1, 2, 4 ... seconds, and a server that was away for
                # a minute would be missed for another one; who asks begins a new attempt.
                "reconnect_timeout": CONNECT_SECONDS,
            },
        },
    }
