"""Every change of a task's state, written down by the database itself as it happens."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

WATCH = """
CREATE TABLE IF NOT EXISTS chaos_history (
    id INTEGER PRIMARY KEY, task INTEGER, old TEXT, new TEXT, at REAL);
CREATE TRIGGER IF NOT EXISTS chaos_changes AFTER UPDATE OF state ON tasks_app_task
WHEN OLD.state <> NEW.state BEGIN
    INSERT INTO chaos_history (task, old, new, at)
    VALUES (NEW.id, OLD.state, NEW.state, (julianday('now') - 2440587.5) * 86400.0);
END;
"""
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Change:
    """One change of one task. `at` is in seconds since the epoch, by who wrote it."""

    task: int
    old: str
    new: str
    at: float


class History:
    """Triggers in a panel's SQLite database: no reader is as sure, and none misses anything."""

    def __init__(self, home: Path) -> None:
        self._path = home / "ollamactl.sqlite3"
        with closing(self._connect()) as connection:
            connection.executescript(WATCH)

    def changes(self) -> list[Change]:
        """All of them, in order."""
        with closing(self._connect()) as connection:
            rows = connection.execute("SELECT task, old, new, at FROM chaos_history ORDER BY id")
            return [Change(*row) for row in rows]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)
