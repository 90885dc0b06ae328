"""What a slash command says."""

from __future__ import annotations

from dataclasses import dataclass

from models_app.chat.records import ChatSession
from ollamactl.lib.errors import InvalidInput


@dataclass(frozen=True)
class Said:
    """What a command says. `action` is `leave` where the chat is left, else empty."""

    session: ChatSession
    text: str
    action: str = ""


def incomplete(sentence: str) -> InvalidInput:
    """A command that lacks something, or has too much."""
    return InvalidInput(sentence, code="incomplete_command", attr="command")
