"""Lines that end between words, for a text that comes in parts."""

from __future__ import annotations

from ollamactl.cli.terminal import width_of


class WordWrap:
    """Breaks lines at `width` columns. A word is held back until it is whole."""

    def __init__(self, width: int) -> None:
        self._width = max(width, 1)
        self._column = 0
        self._gap = ""
        self._word = ""

    def feed(self, text: str) -> str:
        """What of the text so far can be shown now."""
        shown = []
        for character in text:
            if character == "\n":
                shown.append(f"{self.flush()}\n")
                self._column = 0
            elif character in " \t":
                shown.append(self._place())
                self._gap += character
            elif width_of(character) > 1:  # between these a line may end anywhere
                shown.append(self._place())
                self._word = character
                shown.append(self._place())
            else:
                self._word += character
        return "".join(shown)

    def flush(self) -> str:
        """What is held back."""
        rest = self._place() + self._gap
        self._gap = ""
        return rest

    def _place(self) -> str:
        """The word that is whole, on this line or on the next."""
        if not self._word:
            return ""
        gap, word = self._gap, self._word
        self._gap = self._word = ""
        size = width_of(word)
        if self._column and self._column + len(gap) + size > self._width:
            self._column = size
            return f"\n{word}"
        self._column += len(gap) + size
        return gap + word
