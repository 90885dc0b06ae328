"""The live events of chats, and the state that a subscriber is shown first.

`chat.delta` carries what an answer has gained: `{message, attempt, offset, text, thinking_offset,
thinking, tokens, seconds}`. Offsets count characters (code points). A text begins where its row
stood when it was last saved, so whoever has the row's text can go on from there: of what overlaps
only the new end counts, and a gap means to read the row again. `attempt` rises when an answer is
begun anew, and everything of a lower one is void.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from models_app.chat.records import ChatMessage, ChatSession
from tasks_app.live import publish, register_topic
from tasks_app.publisher import Event
from tasks_app.sequence import next_seq

CHAT = "models_app.chat_ollamamodel"


def topic_of(session_id: int) -> str:
    """Where a chat's events go."""
    return f"chat:{session_id}"


def list_topic_of(user_id: int) -> str:
    """Where the events of all chats of a user go."""
    return f"chats:{user_id}"


def session_as_data(session: ChatSession) -> dict[str, Any]:
    """What `chat.changed` and the snapshot say: `last` is the newest message that is current."""
    messages = ChatMessage.objects.filter(session=session, is_current=True)
    last = messages.order_by("-position").first()
    is_live = last is not None and last.is_under_way
    return {
        "id": session.pk,
        "title": session.title,
        "model": session.model_id,
        "model_name": session.model_name,
        "seq": session.seq,
        "last": last.pk if last else None,
        "last_state": last.state if last else None,
        "answering": answer_as_data(last) if last and is_live else None,
    }


def answer_as_data(message: ChatMessage) -> dict[str, Any]:
    """An answer under way as its row has it."""
    return {
        "message": message.pk,
        "attempt": message.epoch,
        "offset": 0,
        "text": message.content,
        "thinking_offset": 0,
        "thinking": message.thinking,
        "tokens": message.tokens,
        "seconds": None,
    }


def announce_chat(session: ChatSession) -> None:
    """Publish `chat.changed`. The row must have been saved with a new `seq`."""
    topic = topic_of(session.pk)
    publish(
        "chat.changed",
        subject=topic,
        seq=session.seq,
        data=session_as_data(session),
        topics=[topic, list_topic_of(session.owner_id)],
    )


def announce_chat_removed(session: ChatSession) -> None:
    """Publish `chat.removed`."""
    topic = topic_of(session.pk)
    publish(
        "chat.removed",
        subject=topic,
        seq=next_seq(session.seq),
        data={"id": session.pk},
        topics=[topic, list_topic_of(session.owner_id)],
    )


def chat_delta(session_id: int, *, seq: int, data: dict[str, Any]) -> Event:
    """`chat.delta` of an answer under way, from memory."""
    topic = topic_of(session_id)
    return Event("chat.delta", topic, seq, {"id": session_id, **data}, (topic,))


def _snapshot(number: int | None) -> dict[str, Any] | None:
    session = ChatSession.objects.filter(pk=number or 0).first()
    return session_as_data(session) if session else None


def _belongs_to(user: User, number: int) -> bool:
    return ChatSession.objects.filter(pk=number, owner_id=user.pk).exists()


def _nothing_yet(number: int | None) -> dict[str, Any]:
    """A page has its list, and a program asks for it."""
    return {"id": number, "seq": 0}


def _is_own(user: User, number: int) -> bool:
    return user.pk == number


def register() -> None:
    """Make the topics known; called once, when Django is ready."""
    register_topic(
        "chat", permission=CHAT, snapshot=_snapshot, takes_id=True, belongs_to=_belongs_to
    )
    register_topic(
        "chats", permission=CHAT, snapshot=_nothing_yet, takes_id=True, belongs_to=_is_own
    )
