"""What is printed: other people's texts made harmless, and tables as Ollama aligns them."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import click

LONGEST_LINE = 2000
_GAP = 4
# A whole escape sequence first (CSI; OSC and its kin up to their end), then any control character
# that is left, and the marks that turn the direction of writing.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DIRECTION = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: object, limit: int = LONGEST_LINE) -> str:
    """A text from outside as one line that cannot move the cursor, ring or recolour anything."""
    plain = _DIRECTION.sub("", _SEQUENCE.sub("", str(text)[: limit * 4]))
    line = _CONTROL.sub(" ", plain).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clean_block(text: str) -> str:
    """The same for a log: its line ends and tabs stay."""
    plain = _DIRECTION.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return _CONTROL_BUT_LINES.sub("", plain)


def say(text: str) -> None:
    """Print a result (stdout)."""
    click.echo(text)


def note(text: str) -> None:
    """Print something beside the result (stderr)."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """Print JSON (stdout), one line, flushed: pipes get each line at once.

    Control characters are escaped by JSON itself; others stay readable.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    click.echo(_DIRECTION.sub(lambda found: f"\\u{ord(found[0]):04x}", text).translate(_ESCAPED))
    sys.stdout.flush()


# JSON leaves DEL and the C1 controls as they are; terminals may obey them.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0xD800, 0xE000))}


def is_live() -> bool:
    """Whether stderr is a terminal on which a bar can move."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns aligned by what they take on a screen, Ollama's way. Cells are cleaned."""
    table = [list(headings), *([clean(cell) for cell in row] for row in rows)]
    widths = [max(width_of(row[index]) for row in table) for index in range(len(headings))]
    for row in table:
        cells = (
            cell + " " * (width - width_of(cell) + _GAP)
            for cell, width in zip(row, widths, strict=True)
        )
        say("".join(cells).rstrip())


def width_of(text: str) -> int:
    """How many columns a text takes: Chinese characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
