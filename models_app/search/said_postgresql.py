"""The index of what was said in chats, in PostgreSQL: trigrams of the messages' texts by pg_trgm.

An answer comes in when it has ended, not with each part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import OuterRef

from models_app.search.postgresql import has_trigrams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

MESSAGES = "models_app_chatmessage"
INDEX = "chat_message_trigrams"
ENDED = ("complete", "stopped", "failed")
MOST_GATHERED = 1000


def is_there(connection: BaseDatabaseWrapper) -> bool:
    """Whether messages can be looked up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [INDEX])
        return bool(cursor.fetchone()[0])


def install(connection: BaseDatabaseWrapper) -> None:
    """Make what is missing of the index; without the extension messages are read through."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [MESSAGES])
        if not cursor.fetchone()[0] or is_there(connection) or not has_trigrams(connection):
            return
        # Upper case is how Django asks for a part of a text in any case.
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {INDEX} ON {MESSAGES} "
            "USING gin (UPPER(content::text) gin_trgm_ops) "
            "WHERE state IN ('complete', 'stopped', 'failed')"
        )


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the index away."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")


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
