"""Secrets never reach a log line or an audit record."""

from __future__ import annotations

import re
from typing import Any

CENSORED = "•••"
_SECRET_KEY = re.compile(
    r"pass(word|wd)|secret|token|credential|api_?key|authorization|private", re.I
)
_SECRET_TEXT = re.compile(
    r"(?i)\b(bearer|token|basic)\s+[A-Za-z0-9._~+/=-]{8,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)


def redact(value: Any) -> Any:
    """A copy of a JSON-like value in which secrets are censored, by key and by look."""
    if isinstance(value, dict):
        return {
            key: CENSORED if _SECRET_KEY.search(str(key)) and inner else redact(inner)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact(inner) for inner in value]
    if isinstance(value, str):
        return redact_text(value)
    return value


def redact_text(text: str) -> str:
    """The text without bearer tokens and without passwords in URLs."""
    return _SECRET_TEXT.sub(CENSORED, text)
