"""What is shown of messages."""

from __future__ import annotations

from typing import Any

from models_app.chat.choices import AnswerState
from models_app.chat.records import ChatMessage, ChatSession
from models_app.chat.versions import versions_of
from tasks_app.labels import phase_label

SHOWN = 50  # messages at once; older ones are asked for


def transcript_context(session: ChatSession, *, before: int | None = None) -> dict[str, Any]:
    """The newest messages before a position, and whether there are older ones."""
    rows = ChatMessage.objects.filter(session=session, is_current=True).select_related("task")
    if before is not None:
        rows = rows.filter(position__lt=before)
    newest = list(rows.order_by("-position")[: SHOWN + 1])
    shown = newest[:SHOWN][::-1]
    versions = versions_of(shown)
    for message in shown:
        message.session = session  # already read: a message needs no query of its own
    return {
        "said_list": [
            message_context(message, versions=versions.get(message.pk))["said"] for message in shown
        ],
        "older_than": shown[0].position if len(newest) > SHOWN else None,
        "is_part": before is not None,
    }


def message_context(
    message: ChatMessage, *, versions: list[int] | None = None, anchor: int | None = None
) -> dict[str, Any]:
    """One message with its HTML; while it is written it is plain text.

    `versions` are the ids of all answers to its prompt. `anchor` is the current one of them, in
    whose place it stands.
    """
    # The parser and the colours of code are loaded with the first chat, not with the panel.
    from models_app.chat.markup import render_markdown

    is_old = anchor not in (None, message.pk)
    is_plain = not message.is_answer or message.is_under_way
    said = {
        "message": message,
        "html": "" if is_plain else render_markdown(message.content),
        "thinking_html": "" if is_plain else render_markdown(message.thinking),
        "anchor": anchor or message.pk,
        "is_old": is_old,
        "turns": _turns(message, versions or []),
        "may_edit": not message.is_answer,
        "may_repeat": message.is_answer and not message.is_under_way and not is_old,
        "phase": _phase(message),
        "failed": message.state == AnswerState.FAILED,
        "begins_context": message.session.context_from == message.position,
    }
    return {"said": said, "session": message.session}


def _turns(message: ChatMessage, versions: list[int]) -> dict[str, Any] | None:
    """Where one stands among several answers, and which are before and after it."""
    if len(versions) < 2 or message.is_under_way:
        return None
    at = versions.index(message.pk)
    return {
        "number": at + 1,
        "count": len(versions),
        "before": versions[at - 1] if at else None,
        "after": versions[at + 1] if at + 1 < len(versions) else None,
    }


def _phase(message: ChatMessage) -> str:
    """What an answer under way is at."""
    phase = message.task.phase if message.task else ""
    return phase_label(phase) if phase else str(message.get_state_display())
