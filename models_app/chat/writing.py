"""A text that grows, and how much of it others have."""

from __future__ import annotations

from typing import Any


class Writing:
    """An answer and the thinking before it.

    News begin where the row stood when it was last saved (or where the last news ended, if that is
    earlier), so that whoever reads the row and then hears news misses nothing. Lengths count
    characters.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self._parts = {"text": "", "thinking": ""}
        self._saved = {"text": 0, "thinking": 0}
        self._sent = {"text": 0, "thinking": 0}

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._parts["text"]

    @property
    def thinking(self) -> str:
        """The thinking so far."""
        return self._parts["thinking"]

    @property
    def length(self) -> int:
        """Characters in all."""
        return sum(map(len, self._parts.values()))

    @property
    def is_unsaved(self) -> bool:
        """Whether there is more than the row has."""
        return any(len(text) > self._saved[name] for name, text in self._parts.items())

    def add(self, text: str, thinking: str) -> None:
        """One more part of it, which is one token or a few."""
        self.tokens += 1
        self._parts["text"] += text
        self._parts["thinking"] += thinking

    def take_news(self) -> dict[str, Any]:
        """`{offset, text, thinking_offset, thinking}` for an event."""
        news: dict[str, Any] = {}
        for name, offset in (("text", "offset"), ("thinking", "thinking_offset")):
            begin = min(self._saved[name], self._sent[name])
            news |= {offset: begin, name: self._parts[name][begin:]}
            self._sent[name] = len(self._parts[name])
        return news

    def note_saved(self, *, text: str, thinking: str) -> None:
        """The row has this much."""
        self._saved = {"text": len(text), "thinking": len(thinking)}
