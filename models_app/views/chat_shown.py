"""What is shown of messages."""

from __future__ import annotations

from typing import Any

from models_app.chat.choices import AnswerState
from models_app.chat.records import ChatMessage, ChatSession
from tasks_app.labels import phase_label

SHOWN = 50  # messages at once; older ones are asked for


def transcript_context(session: ChatSession, *, before: int | None = None) -> dict[str, Any]:
    """The newest messages before a position, and whether there are older ones."""
    rows = ChatMessage.objects.filter(session=session, is_current=True).select_related("task")
    if before is not None:
        rows = rows.filter(position__lt=before)
    newest = list(rows.order_by("-position")[: SHOWN + 1])
    shown = newest[:SHOWN][::-1]
    for message in shown:
        message.session = session  # already read: a message needs no query of its own
    return {
        "said_list": [message_context(message)["said"] for message in shown],
        "older_than": shown[0].position if len(newest) > SHOWN else None,
        "is_part": before is not None,
    }


def message_context(message: ChatMessage) -> dict[str, Any]:
    """One message with its HTML; while it is written it is plain text."""
    # The parser and the colours of code are loaded with the first chat, not with the panel.
    from models_app.chat.markup import render_markdown

    is_plain = not message.is_answer or message.is_under_way
    said = {
        "message": message,
        "html": "" if is_plain else render_markdown(message.content),
        "thinking_html": "" if is_plain else render_markdown(message.thinking),
        "may_edit": not message.is_answer,
        "may_repeat": message.is_answer and not message.is_under_way,
        "phase": _phase(message),
        "failed": message.state == AnswerState.FAILED,
        "begins_context": message.session.context_from == message.position,
    }
    return {"said": said, "session": message.session}


def _phase(message: ChatMessage) -> str:
    """What an answer under way is at."""
    phase = message.task.phase if message.task else ""
    return phase_label(phase) if phase else str(message.get_state_display())
