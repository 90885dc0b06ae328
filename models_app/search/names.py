"""Which names are meant by what somebody types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections

from models_app.search import postgresql, sqlite
from models_app.search.typos import errors_in, forgiven, words_of

INDEXES = {"sqlite": sqlite, "postgresql": postgresql}
MOST_NAMES = 300
"""Beyond so many distinct names that have what was typed nobody looks for what is only like it."""
MOST_CANDIDATES = 600
MOST_WORDS = 8
_known: set[str] = set()  # databases whose index has been seen


@dataclass(frozen=True)
class FoundNames:
    """The names that have what was typed, and those that are some typing errors away from it."""

    containing: list[str]
    near: list[str]


def look_up(text: str, using: str) -> FoundNames | None:
    """The names for a text; None where there are too many to say, or nothing to look them up in."""
    connection = connections[using]
    index = INDEXES[connection.vendor]
    parts = text.split()[:MOST_WORDS]
    if not parts or not _is_there(connection, index):
        return None
    containing = index.names_with(connection, parts, MOST_NAMES + 1)
    if len(containing) > MOST_NAMES:
        return None
    words = words_of(text)[:MOST_WORDS]
    if not any(forgiven(word) for word in words):
        return FoundNames(containing, [])
    near = set(index.candidates(connection, words, MOST_CANDIDATES)) - set(containing)
    rated = [(errors, name) for name in near if (errors := errors_in(words, name)) is not None]
    return FoundNames(containing, [name for _errors, name in sorted(rated)[:MOST_NAMES]])


def _is_there(connection: Any, index: Any) -> bool:
    if connection.alias not in _known and index.INDEX.is_there(connection):
        _known.add(connection.alias)
    return connection.alias in _known
