"""What is a slash command, and what is meant for a model. No Django: the command line asks too."""

from __future__ import annotations

import re

QUOTES = '"""'
_SYSTEM = re.compile(rf"/set\s+system\s+{QUOTES}", re.IGNORECASE)


def is_command(text: str) -> bool:
    """Whether a text is meant for the chat and not for the model: one line with a slash first, or
    a system prompt of several lines between triple quotes, as `ollama run` takes it."""
    return text.startswith("/") and ("\n" not in text.strip() or _SYSTEM.match(text) is not None)


def wants_more(line: str) -> bool:
    """Whether triple quotes are opened in this line, and not closed in it."""
    begun = _SYSTEM.match(line)
    if begun is None and not line.startswith(QUOTES):
        return False
    rest = line[begun.end() :] if begun else line.removeprefix(QUOTES)
    return not rest.endswith(QUOTES)
