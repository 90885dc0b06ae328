"""Whether names of models can be searched with typing errors in them: the database's index."""

import sqlite3
from contextlib import closing

from ollamactl.settings.env import Config
from ollamactl.supervisor.outside import TIMEOUT, database_file, is_postgresql

ON_SQLITE = "models_app_known_name_trigrams"
ON_POSTGRESQL = "model_name_trigrams"


def has_name_index(config: Config) -> bool | None:
    """None where there is no database yet, or none that answers."""
    return _on_postgresql(config) if is_postgresql(config) else _on_sqlite(config)


def _on_postgresql(config: Config) -> bool | None:
    import psycopg

    try:
        with psycopg.connect(config.database_url, connect_timeout=TIMEOUT) as connection:
            tables = "SELECT to_regclass('models_app_ollamamodel'), to_regclass(%s)"
            models, index = connection.execute(tables, [ON_POSTGRESQL]).fetchone() or (None, None)
    except psycopg.Error:
        return None
    return None if models is None else index is not None


def _on_sqlite(config: Config) -> bool | None:
    path = database_file(config)
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {row[0] for row in rows}
    except sqlite3.Error:
        return None
    return ON_SQLITE in tables if "models_app_ollamamodel" in tables else None
