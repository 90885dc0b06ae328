"""Which messages of chats have what somebody looks for."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import QuerySet

from models_app.search import said_postgresql, said_sqlite
from models_app.search.said_postgresql import ENDED

INDEXES = {"sqlite": said_sqlite, "postgresql": said_postgresql}
MOST_WORDS = 8
_known: set[str] = set()  # databases whose index has been seen


def with_words(messages: QuerySet[Any], words: list[str]) -> QuerySet[Any]:
    """Of these messages of one chat, which the query around them has, those that have ended and
    have all these words somewhere."""
    found = messages.filter(state__in=ENDED)
    for word in words:
        found = found.filter(content__icontains=word)
    connection = connections[messages.db]
    index = INDEXES[connection.vendor]
    return index.maybe_with(found, words) if _is_there(connection, index) else found


def _is_there(connection: Any, index: Any) -> bool:
    if connection.alias not in _known and index.INDEX.is_there(connection):
        _known.add(connection.alias)
    return connection.alias in _known
