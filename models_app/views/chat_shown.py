"""What is shown of messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from models_app.chat.choices import AnswerState
from models_app.chat.records import ChatMessage, ChatSession
from models_app.chat.versions import followed_by, versions_of
from tasks_app.labels import phase_label

SHOWN = 50  # messages at once; older ones are asked for


def transcript_context(
    session: ChatSession, *, before: int | None = None, turned_to: Collection[int] = ()
) -> dict[str, Any]:
    """The newest messages before a position, and whether there are older ones.

    `turned_to` are ids of replaced messages that the reader looks at, in the place of others.
    """
    rows = ChatMessage.objects.filter(session=session, is_current=True).select_related("task")
    if before is not None:
        rows = rows.filter(position__lt=before)
    newest = list(rows.order_by("-position")[: SHOWN + 1])
    shown = newest[:SHOWN][::-1]
    versions = versions_of(shown)
    chosen = _chosen(session, versions, turned_to)
    said_list = []
    for current in shown:
        message = chosen.get(current.pk, current)
        message.session = session  # already read: a message needs no query of its own
        context = message_context(message, versions=versions.get(current.pk), anchor=current.pk)
        said_list.append(context["said"])
    return {
        "said_list": said_list,
        "older_than": shown[0].position if len(newest) > SHOWN else None,
        "is_part": before is not None,
    }


def _chosen(
    session: ChatSession, versions: Mapping[int, list[int]], turned_to: Collection[int]
) -> dict[int, ChatMessage]:
    """The replaced messages to show, by the current ones in whose place they stand."""
    places = {pk: current for current, all_of in versions.items() for pk in all_of}
    wanted = [pk for pk in turned_to if places.get(pk, pk) != pk]
    if not wanted:
        return {}
    rows = ChatMessage.objects.filter(session=session, pk__in=wanted).select_related("task")
    return {places[row.pk]: row for row in rows}


def message_context(
    message: ChatMessage, *, versions: list[int] | None = None, anchor: int | None = None
) -> dict[str, Any]:
    """One message with its HTML; while it is written it is plain text.

    `versions` are the ids of all versions of it. `anchor` is the current one of them, in whose
    place it stands; below an older text of a prompt is what followed it then.
    """
    is_old = anchor not in (None, message.pk)
    said = {
        "message": message,
        **_texts(message),
        "anchor": anchor or message.pk,
        "is_old": is_old,
        "turns": _turns(message, versions or []),
        "followed": _followed(message, versions or []) if is_old else None,
        "may_edit": not message.is_answer and not is_old,
        "may_repeat": message.is_answer and not message.is_under_way and not is_old,
        "phase": _phase(message),
        "failed": message.state == AnswerState.FAILED,
        "begins_context": message.session.context_from == message.position,
    }
    return {"said": said, "session": message.session}


def _texts(message: ChatMessage) -> dict[str, str]:
    """The HTML of what is not shown as plain text."""
    # The parser and the colours of code are loaded with the first chat, not with the panel.
    from models_app.chat.markup import render_answer, render_markdown

    is_plain = not message.is_answer or message.is_under_way
    return {
        "html": "" if is_plain else render_answer(message.content),
        "thinking_html": "" if is_plain else render_markdown(message.thinking),
    }


def _followed(message: ChatMessage, versions: list[int]) -> dict[str, Any] | None:
    """What a replaced prompt was answered, and what was said after that."""
    if message.is_answer:
        return None
    following, left_out = followed_by(message, versions)
    said = [{"message": one, **_texts(one)} for one in following]
    return {"said": said, "left_out": left_out} if said else None


def _turns(message: ChatMessage, versions: list[int]) -> dict[str, Any] | None:
    """Where one stands among several versions, and which are before and after it."""
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
