"""Ways to show an answer while it comes."""

from __future__ import annotations

import sys
from shutil import get_terminal_size

import click

from ollamactl.cli.remote.wrapping import WordWrap
from ollamactl.cli.terminal import clean_block, is_live, note, print_json
from ollamactl.cli.text import gettext as _


class TextScreen:
    """The answer on stdout, as it is, or where it `wraps` with lines that end between words; its
    thinking only where a person looks on, and pale."""

    def __init__(self, *, wraps: bool = False) -> None:
        self._is_seen = sys.stdout.isatty()
        self._wraps = wraps and self._is_seen
        self._wrap = self._new_wrap()
        self._phase = ""
        self._has_line = False
        self._thinks = False

    def phase(self, name: str) -> None:
        """Say once that the model is being loaded: that is what may take long."""
        if name == "loading" and self._phase != name and is_live() and not self._has_line:
            note(_("loading the model into memory …"))
        self._phase = name

    def thinking(self, text: str) -> None:
        """Show it pale."""
        if self._is_seen:
            self._thinks = True
            self._write(self._wrapped(text), dim=True)

    def text(self, text: str) -> None:
        """Show it."""
        if self._thinks:
            self._finish()
            self._thinks = False
            self._write("\n\n")
        self._write(self._wrapped(text))

    def anew(self) -> None:
        """Say so."""
        self.end()
        note(_("The worker was lost in the middle: the answer was begun anew."))

    def end(self) -> None:
        """Leave the cursor on a line of its own."""
        self._finish()
        if self._has_line:
            self._write("\n")
        self._has_line = self._thinks = False

    def _new_wrap(self) -> WordWrap | None:
        return WordWrap(get_terminal_size().columns) if self._wraps else None

    def _wrapped(self, text: str) -> str:
        plain = clean_block(text)
        return self._wrap.feed(plain) if self._wrap else plain

    def _finish(self) -> None:
        """Show what is held back; what follows begins on a line of its own."""
        if self._wrap:
            self._write(self._wrap.flush(), dim=self._thinks)
            self._wrap = self._new_wrap()

    def _write(self, text: str, *, dim: bool = False) -> None:
        if not text:
            return
        click.echo(click.style(text, dim=True) if dim else text, nl=False)
        sys.stdout.flush()
        self._has_line = True


class JsonScreen:
    """For programs: one JSON object a line."""

    def phase(self, name: str) -> None:
        """Left out: the task has it."""

    def thinking(self, text: str) -> None:
        """One more part of it."""
        print_json({"event": "thinking", "text": text})

    def text(self, text: str) -> None:
        """One more part of it."""
        print_json({"event": "text", "text": text})

    def anew(self) -> None:
        """What was printed is void."""
        print_json({"event": "anew"})

    def end(self) -> None:
        """Nothing: the answer's own line follows."""
