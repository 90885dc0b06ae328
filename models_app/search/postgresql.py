"""The index of names in PostgreSQL: GIN over the trigrams of `pg_trgm`.

The extension is one that everybody who may create things in the database may install; where that is
refused, an administrator can do it, and the next start makes the index.
https://www.postgresql.org/docs/current/pgtrgm.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction

from models_app.search.typos import forgiven

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

MODELS = "models_app_ollamamodel"
INDEX = "model_name_trigrams"
# Upper case is how Django asks for a part of a text in any case.
_UPPER = "UPPER(name::text)"
LIKE_ENOUGH = "0.15"
"""The share of a word's trigrams that a candidate has; `typos` decides."""
EXTENSION = "pg_trgm"


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


def is_there(connection: BaseDatabaseWrapper) -> bool:
    """Whether names can be looked up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [INDEX])
        return bool(cursor.fetchone()[0])


def install(connection: BaseDatabaseWrapper) -> None:
    """Make what is missing of the index; without the extension search finds parts alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [MODELS])
        if not cursor.fetchone()[0] or is_there(connection):
            return
        if not has_trigrams(connection):
            return
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {INDEX} ON {MODELS} USING gin ({_UPPER} gin_trgm_ops)"
        )


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the index away; the extension may serve others."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")


def names_with(connection: BaseDatabaseWrapper, parts: Sequence[str], most: int) -> list[str]:
    """Names that have all these parts somewhere; at most so many."""
    tests = [f"{_UPPER} LIKE UPPER(%s)"] * len(parts)
    values = [f"%{connection.ops.prep_for_like_query(part)}%" for part in parts]
    return _names(connection, tests, values, most)


def candidates(connection: BaseDatabaseWrapper, words: Sequence[str], most: int) -> list[str]:
    """Names that may be near to these words; each is to be looked at again."""
    tests, values = [], []
    for word in words:
        if forgiven(word):
            tests.append(f"UPPER(%s) <%% {_UPPER}")
            values.append(word)
        else:
            tests.append(f"{_UPPER} LIKE UPPER(%s)")
            values.append(f"%{connection.ops.prep_for_like_query(word)}%")
    alike = " + ".join([f"word_similarity(UPPER(%s), {_UPPER})"] * len(words))
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [LIKE_ENOUGH]
        )
        return _names(connection, tests, [*values, *words], most, f"{alike} DESC, ")


def _names(
    connection: BaseDatabaseWrapper,
    tests: Sequence[str],
    values: list[str],
    most: int,
    order: str = "",
) -> list[str]:
    sql = (
        f"SELECT name FROM {MODELS} WHERE {' AND '.join(tests)} "  # noqa: S608 - fixed words
        f"GROUP BY name ORDER BY {order}name LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, most])
        return [row[0] for row in cursor.fetchall()]
