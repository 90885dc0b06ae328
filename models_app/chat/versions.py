"""The answers that were given to one prompt: the current one, and those that it replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import QuerySet

from models_app.chat.choices import Role
from models_app.chat.records import ChatMessage


def versions_of(messages: Iterable[ChatMessage]) -> dict[int, list[int]]:
    """The ids of all answers to the prompt of each of these answers of one chat, the oldest first;
    by the answer's id, in one query however many they are."""
    answers = [message for message in messages if message.role == Role.ASSISTANT]
    if not answers:
        return {}
    positions = {place for one in answers for place in (one.position - 1, one.position)}
    rows = ChatMessage.objects.filter(session_id=answers[0].session_id, position__in=positions)
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for pk, position, role in rows.order_by("pk").values_list("pk", "position", "role"):
        found[position, role].append(pk)
    return {
        one.pk: _between(
            found[one.position, Role.ASSISTANT], found[one.position - 1, Role.USER], one.pk
        )
        for one in answers
    }


def answers_beside(message: ChatMessage) -> QuerySet[ChatMessage]:
    """All answers to the prompt of this one, itself among them, the oldest first."""
    ids = versions_of([message]).get(message.pk, [message.pk])
    return ChatMessage.objects.filter(pk__in=ids).order_by("pk")


def _between(answers: list[int], prompts: list[int], pk: int) -> list[int]:
    """Those of the same prompt: an edited one is a row of its own, made before its answers."""
    first = max((prompt for prompt in prompts if prompt < pk), default=0)
    end = min((prompt for prompt in prompts if prompt > pk), default=None)
    return [one for one in answers if one > first and (end is None or one < end)]
