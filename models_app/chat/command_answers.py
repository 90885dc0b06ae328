"""What a slash command says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from models_app.chat.records import ChatSession
from ollamactl.lib.errors import InvalidInput

_GAP = re.compile(r" {2,}")


@dataclass(frozen=True)
class Said:
    """What a command says. `action` is `leave` where the chat is left, else empty. `is_list`: most
    lines are a name, at least two spaces, and what is said of it."""

    session: ChatSession
    text: str
    action: str = ""
    is_list: bool = False

    def parts(self) -> list[list[str]]:
        """The lines of a list, each as its name and the rest, or whole."""
        return [_GAP.split(line, 1) for line in self.text.splitlines()]


def incomplete(sentence: str) -> InvalidInput:
    """A command that lacks something, or has too much."""
    return InvalidInput(sentence, code="incomplete_command", attr="command")
