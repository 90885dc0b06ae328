"""The index of names in PostgreSQL: GIN over the trigrams of `pg_trgm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from models_app.search.postgresql_index import TrigramIndex
from models_app.search.typos import forgiven

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

MODELS = "models_app_ollamamodel"
# Upper case is how Django asks for a part of a text in any case.
_UPPER = "UPPER(name::text)"
INDEX = TrigramIndex("model_name_trigrams", MODELS, _UPPER)
LIKE_ENOUGH = "0.15"
"""The share of a word's trigrams that a candidate has; `typos` decides."""


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
