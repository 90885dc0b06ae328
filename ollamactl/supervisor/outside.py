"""A database and a broker that run elsewhere: whether they can be used, and if not, why."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ollamactl.cli.text import gettext as _
from ollamactl.settings.env import Config
from ollamactl.supervisor.problems import StartError

TIMEOUT = 5
PATIENCE = 20.0  # seconds that they are waited for at a start: they may start at the same time
PAUSE = 0.5
OLDEST_POSTGRESQL = 14


def is_postgresql(config: Config) -> bool:
    """Whether the database is a server, and no file."""
    return urlsplit(config.database_url).scheme in ("postgres", "postgresql")


def database_file(config: Config) -> Path:
    """Where the file of an SQLite database is, or will be."""
    own = config.home / "ollamactl.sqlite3"
    return Path(unquote(urlsplit(config.database_url).path[1:])) if config.database_url else own


def find_database(config: Config) -> str:
    """The version of the PostgreSQL server. Raises `StartError` where it cannot be used."""
    import psycopg  # slow to import, and not needed on SQLite

    try:
        with psycopg.connect(config.database_url, connect_timeout=TIMEOUT) as connection:
            version = connection.info.server_version // 10000
    except psycopg.Error as error:
        raise StartError(
            _(
                "The database at %(address)s cannot be used: %(reason)s "
                "Check OLLAMACTL_DATABASE_URL."
            )
            % {"address": address_of(config.database_url), "reason": _sentence(error)}
        ) from error
    if version < OLDEST_POSTGRESQL:
        raise StartError(
            _("PostgreSQL %(found)s is too old: %(needed)s or newer is needed.")
            % {"found": version, "needed": OLDEST_POSTGRESQL}
        )
    return f"PostgreSQL {version}"


def find_broker(config: Config) -> str:
    """The version of the Valkey or Redis server. Raises `StartError` where it cannot be used."""
    import redis

    try:
        with redis.Redis.from_url(
            config.valkey_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        ) as client:
            client.ping()
            facts = client.info("server")
    except (redis.RedisError, OSError, ValueError) as error:
        raise StartError(
            _("The broker at %(address)s cannot be used: %(reason)s Check OLLAMACTL_VALKEY_URL.")
            % {"address": address_of(config.valkey_url), "reason": _sentence(error)}
        ) from error
    name = "Valkey" if "valkey_version" in facts else "Redis"
    return f"{name} {facts.get('valkey_version') or facts.get('redis_version', '')}"


async def wait_for_outside(config: Config) -> None:
    """Until what runs elsewhere can be used. Raises `StartError` with the reason after a while."""
    finders: list[Callable[[Config], str]] = []
    if is_postgresql(config):
        finders.append(find_database)
    if config.valkey_url:
        finders.append(find_broker)
    deadline = time.monotonic() + PATIENCE
    for find in finders:
        while True:
            try:
                await asyncio.to_thread(find, config)
                break
            except StartError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(PAUSE)


def address_of(url: str) -> str:
    """Where a URL points, without the account and the password in it."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path


def _sentence(error: Exception) -> str:
    """What a library says, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.endswith((".", "?", "!")) else f"{text}."
