"""Indexes in PostgreSQL: GIN over the trigrams of `pg_trgm`, or over what a function makes.

The extension is one that everybody who may create things in the database may install; where that is
refused, an administrator can do it, and the next start makes the index.
https://www.postgresql.org/docs/current/pgtrgm.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

EXTENSION = "pg_trgm"


@dataclass(frozen=True)
class TrigramIndex:
    """The index of one text of a table's rows."""

    name: str
    of: str
    """The table."""
    text: str
    """The text that is looked in, in SQL."""
    where: str = "TRUE"
    """Which rows are in it, in SQL."""

    def is_there(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether rows can be looked up."""
        return _has(connection, self.name)

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Make the index where it is missing; without the extension rows are read through."""
        if not _has(connection, self.of) or self.is_there(connection):
            return
        if not has_trigrams(connection):
            return
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {self.name} ON {self.of} "
                f"USING gin ({self.text} gin_trgm_ops) WHERE {self.where}"
            )

    def remove(self, connection: BaseDatabaseWrapper) -> None:
        """Take the index away; the extension may serve others."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {self.name}")


@dataclass(frozen=True)
class FunctionIndex:
    """GIN over what a function of ours makes of a table's rows; the index takes care of it."""

    name: str
    of: str
    """The table."""
    text: str
    """The function's call, in SQL."""
    where: str
    """Which rows are in it, in SQL."""
    makes: str
    """Makes the function."""
    function: str

    def is_there(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether rows can be looked up."""
        return _has(connection, self.name)

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Make the index where it is missing."""
        if not _has(connection, self.of) or self.is_there(connection):
            return
        with connection.cursor() as cursor:
            cursor.execute(self.makes)
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {self.name} ON {self.of} "
                f"USING gin ({self.text}) WHERE {self.where}"
            )
            # Else each ANALYZE would call it for thousands of rows, to guess no better.
            cursor.execute(f"ALTER INDEX {self.name} ALTER COLUMN 1 SET STATISTICS 0")

    def remove(self, connection: BaseDatabaseWrapper) -> None:
        """Take the index and its function away."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {self.name}")
            cursor.execute(f"DROP FUNCTION IF EXISTS {self.function}")


class Indexes:
    """Several indexes that are needed together."""

    def __init__(self, *indexes: TrigramIndex | FunctionIndex) -> None:
        self.indexes = indexes

    def is_there(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether rows can be looked up in all."""
        return all(index.is_there(connection) for index in self.indexes)

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Make those that are missing."""
        for index in self.indexes:
            index.install(connection)

    def remove(self, connection: BaseDatabaseWrapper) -> None:
        """Take all away."""
        for index in self.indexes:
            index.remove(connection)


def has_extension(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database can compare trigrams."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = %s", [EXTENSION])
        return cursor.fetchone() is not None


def has_trigrams(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database can compare trigrams, by now: the extension is made where it may be."""
    if has_extension(connection):
        return True
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}")
    except DatabaseError:
        return False
    return True


def _has(connection: BaseDatabaseWrapper, relation: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [relation])
        return bool(cursor.fetchone()[0])
