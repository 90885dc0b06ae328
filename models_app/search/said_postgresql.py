"""The index of what was said in chats, in PostgreSQL: trigrams of the messages' texts by pg_trgm.

An answer comes in when it has ended, not with each part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import OuterRef

from models_app.search.postgresql_index import TrigramIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from django.db.models import QuerySet

MESSAGES = "models_app_chatmessage"
ENDED = ("complete", "stopped", "failed")
# Upper case is how Django asks for a part of a text in any case.
INDEX = TrigramIndex(
    "chat_message_trigrams",
    MESSAGES,
    "UPPER(content::text)",
    where="state IN ('complete', 'stopped', 'failed')",
)
MOST_GATHERED = 1000


def maybe_with(messages: QuerySet[Any], words: Sequence[str]) -> QuerySet[Any]:
    """These messages of a chat, which the query around them has; the database finds the index.

    Where the words are common it is told not to gather all messages that have them first: one is
    soon found in each chat.
    """
    everywhere = messages.model.objects.using(messages.db).filter(state__in=ENDED)
    for word in words:
        everywhere = everywhere.filter(content__icontains=word)
    if everywhere.order_by()[: MOST_GATHERED + 1].count() <= MOST_GATHERED:
        return messages
    # Says nothing new, but only an equality can be answered from what was gathered.
    return messages.filter(session__gte=OuterRef("pk"))
