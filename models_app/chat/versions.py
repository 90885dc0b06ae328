"""The versions of a message: answers to one prompt, or the texts that a prompt has had.

Nothing that was said is ever brought back, so at each moment a chat has one line of messages, and
ids grow along it. What was said at a position between two messages of the position before belongs
to the earlier of the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from models_app.chat.records import ChatMessage

MOST_FOLLOWING = 50  # messages shown of what once followed a prompt


def versions_of(messages: Iterable[ChatMessage]) -> dict[int, list[int]]:
    """The ids of all versions of each of these messages of one chat, the oldest first; by the
    message's id, in one query however many they are."""
    wanted = list(messages)
    if not wanted:
        return {}
    positions = {place for one in wanted for place in (one.position - 1, one.position)}
    rows = ChatMessage.objects.filter(session_id=wanted[0].session_id, position__in=positions)
    found: dict[int, list[int]] = defaultdict(list)
    for pk, position in rows.order_by("pk").values_list("pk", "position"):
        found[position].append(pk)
    return {
        one.pk: _between(found[one.position], found[one.position - 1], one.pk) for one in wanted
    }


def versions_beside(message: ChatMessage) -> QuerySet[ChatMessage]:
    """All versions of this message, itself among them, the oldest first."""
    ids = versions_of([message]).get(message.pk, [message.pk])
    return ChatMessage.objects.filter(pk__in=ids).order_by("pk")


def followed_by(message: ChatMessage, versions: Sequence[int]) -> tuple[list[ChatMessage], int]:
    """What stood below a version when the next one replaced it, and how many more there were.

    Of several answers to one prompt it is the last one.
    """
    end = next((pk for pk in versions if pk > message.pk), None)
    rows = ChatMessage.objects.filter(
        session_id=message.session_id, position__gt=message.position, pk__gt=message.pk
    )
    if end is not None:
        rows = rows.filter(pk__lt=end)
    standing: list[int] = []
    last, position = message.pk, message.position
    # Of each position the newest first; an older one than what stands above it was replaced.
    for pk, at in rows.order_by("position", "-pk").values_list("pk", "position"):
        if at == position + 1 and pk > last:
            standing.append(pk)
            last, position = pk, at
    shown = ChatMessage.objects.filter(pk__in=standing[:MOST_FOLLOWING]).order_by("position")
    return list(shown), max(0, len(standing) - MOST_FOLLOWING)


def _between(rows: list[int], above: list[int], pk: int) -> list[int]:
    """Those that follow the same message: what replaces that one is a row of its own."""
    first = max((one for one in above if one < pk), default=0)
    end = min((one for one in above if one > pk), default=None)
    return [one for one in rows if one > first and (end is None or one < end)]
