"""Which chats have messages with what somebody looks for."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from models_app.search import said_postgresql, said_sqlite
from models_app.search.said_postgresql import ENDED

INDEXES = {"sqlite": said_sqlite, "postgresql": said_postgresql}
MOST_WORDS = 8
Found = tuple[Q | Combinable, Q | Combinable]
_known: set[str] = set()  # databases whose index has been seen


def with_words(chats: QuerySet[Any], messages: QuerySet[Any], words: list[str]) -> Found:
    """What holds for those of the chats of whose messages one has ended and has all these words;
    and what holds for some of these chats, where the search has come upon them.
    """
    messages = messages.filter(state__in=ENDED)
    of_chat = messages.filter(session=OuterRef("pk"))
    for word in words:
        of_chat = of_chat.filter(content__icontains=word)
    connection = connections[chats.db]
    index = INDEXES[connection.vendor]
    if not _is_there(connection, index):
        return Exists(of_chat), Q()
    found: Found = index.look_up(chats, messages, of_chat, words)
    return found


def _is_there(connection: Any, index: Any) -> bool:
    if connection.alias not in _known and index.INDEX.is_there(connection):
        _known.add(connection.alias)
    return connection.alias in _known
