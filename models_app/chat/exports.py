"""A chat as a file: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from models_app.chat.records import ChatMessage, ChatSession

FORMATS = {"md": "text/markdown; charset=utf-8", "json": "application/json"}
_UNNAMEABLE = re.compile(r"[^\w.-]+", re.ASCII)
_FENCE = re.compile(r"`{3,}")


def export_chat(session: ChatSession, format: str) -> str:
    """All that is current of a chat, in one of `FORMATS`."""
    messages = list(ChatMessage.objects.filter(session=session, is_current=True))
    if format == "json":
        return json.dumps(
            _as_data(session, messages), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2
        )
    return _as_markdown(session, messages)


def file_name(session: ChatSession, format: str) -> str:
    """A name for the file, of plain letters only."""
    title = _UNNAMEABLE.sub("-", session.title).strip("-.")[:60]
    return f"chat-{session.pk}{'-' if title else ''}{title}.{format}"


def _as_data(session: ChatSession, messages: list[ChatMessage]) -> dict[str, Any]:
    return {
        "id": session.pk,
        "title": session.title,
        "model": session.model_name,
        "server": session.server_name,
        "system": session.system,
        "options": session.options,
        "think": session.think_value,
        "format": session.format_value,
        "created_at": _utc(session.created_at),
        "messages": [
            {
                "role": message.role,
                "content": message.content,
                "thinking": message.thinking,
                "state": message.state,
                "model": message.model_name or None,
                "prompt_tokens": message.prompt_tokens,
                "tokens": message.tokens,
                "created_at": _utc(message.created_at),
            }
            for message in messages
        ],
    }


def _as_markdown(session: ChatSession, messages: list[ChatMessage]) -> str:
    parts = [f"# {session}", f"{session.model_name} · {_utc(session.created_at)}"]
    if session.system:
        parts += ["## " + _("System prompt"), session.system]
    for message in messages:
        parts.append(f"## {message.model_name if message.is_answer else _('You')}")
        if message.thinking:
            fence = "`" * (1 + max([2, *map(len, _FENCE.findall(message.thinking))]))
            parts.append(f"{fence}thinking\n{message.thinking}\n{fence}")
        parts.append(message.content or f"*({message.get_state_display()})*")
    return "\n\n".join(parts) + "\n"


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
