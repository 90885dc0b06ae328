"""A text that grows, and how much of it others have."""

from __future__ import annotations

import re
from typing import Any

_BLANK_LINES = re.compile(r"\s*\n")
_WIDEST_INDENT = 200


class Writing:
    """An answer and the thinking before it.

    News begin where the row stood when it was last saved (or where the last news ended, if that is
    earlier), so that whoever reads the row and then hears news misses nothing. Lengths count
    characters. Blank lines before the first word, as models like to write after their thinking, are
    left out.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.length = 0  # of all that came
        self._blank = {"text": "", "thinking": ""}  # what came before the first word
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
    def is_unsaved(self) -> bool:
        """Whether there is more than the row has."""
        return any(len(text) > self._saved[name] for name, text in self._parts.items())

    def add(self, text: str, thinking: str) -> None:
        """One more part of it, which is one token or a few."""
        self.tokens += 1
        for name, more in (("text", text), ("thinking", thinking)):
            self.length += len(more)
            self._parts[name] += self._without_blank_lines(name, more)

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

    def _without_blank_lines(self, name: str, more: str) -> str:
        if self._parts[name]:
            return more
        begun = self._blank[name] + more
        if blank := _BLANK_LINES.match(begun):
            begun = begun[blank.end() :]
        # What indents the first word stays, but waits for it: it may be a blank line yet.
        is_begun = bool(begun.strip()) or len(begun) > _WIDEST_INDENT
        self._blank[name] = "" if is_begun else begun
        return begun if is_begun else ""
