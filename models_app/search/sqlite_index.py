"""An index in SQLite that triggers keep in step, with its trigrams in an FTS5 table.

Triggers go with a table that a migration makes anew, so `install` is called after every migration,
and does nothing while all is in place. https://www.sqlite.org/fts5.html#the_trigram_tokenizer
"""

# ruff: noqa: S608 - what is put into statements are the names and fixed words of this package

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import OperationalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

TRIGRAM = 3


@dataclass(frozen=True)
class TriggeredIndex:
    """What has to be there so that the rows of a table can be looked up by their trigrams."""

    of: str
    """The table whose rows are looked up."""
    tables: Mapping[str, str]
    """Its own tables, in the order in which they can be made: name, and the statement for it."""
    triggers: Mapping[str, str]
    """What keeps them in step: name, and all that follows it in the statement."""
    fill: Sequence[str]
    """Statements that bring in the rows that are there already."""

    def is_there(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether rows can be looked up."""
        return _count(connection, "trigger", list(self.triggers)) == len(self.triggers)

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Make what is missing, and fill it. Leaves out an SQLite without trigrams."""
        if self.is_there(connection) or not _count(connection, "table", [self.of]):
            return
        with connection.cursor() as cursor:
            try:
                for statement in self.tables.values():
                    cursor.execute(statement)
            except OperationalError:  # no FTS5, or older than its trigrams: rows are read through
                return
            for name, body in self.triggers.items():
                cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {body}")
            for statement in self.fill:
                cursor.execute(statement)

    def remove(self, connection: BaseDatabaseWrapper) -> None:
        """Take the index away."""
        with connection.cursor() as cursor:
            for name in self.triggers:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            for table in reversed(list(self.tables)):
                cursor.execute(f"DROP TABLE IF EXISTS {table}")


def phrase(text: str) -> str:
    """The text as FTS5 takes it for one phrase."""
    return '"' + text.replace('"', '""') + '"'


def _count(connection: BaseDatabaseWrapper, kind: str, names: list[str]) -> int:
    marks = ", ".join(["%s"] * len(names))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM sqlite_master WHERE type = %s AND name IN ({marks})",
            [kind, *names],
        )
        return int(cursor.fetchone()[0])
