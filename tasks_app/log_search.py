"""Finding lines in a task's log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks_app.logs import read_log
from tasks_app.models import Task

MOST_HITS = 500
LONGEST_SEARCH = 200  # characters
_PIECE = 256_000  # bytes held at once


@dataclass
class Hits:
    """The last lines that have the text. `total` counts all of them, `lines` holds at most 500."""

    total: int = 0
    lines: list[str] = field(default_factory=list)

    @property
    def are_cut(self) -> bool:
        """Whether there are more than are shown."""
        return self.total > len(self.lines)


def search_log(task: Task, text: str) -> Hits | None:
    """Lines with `text` in them, in any case; None where no log is left.

    The log is read in pieces, so that it may be of any length.
    """
    if read_log(task, 0, 1) is None:
        return None
    wanted, hits = text.casefold(), Hits()
    for line in lines_of(task):
        if wanted in line.casefold():
            hits.total += 1
            hits.lines.append(line)
            if len(hits.lines) > 2 * MOST_HITS:
                del hits.lines[:MOST_HITS]
    hits.lines = hits.lines[-MOST_HITS:]
    return hits


def lines_of(task: Task) -> Iterator[str]:
    """All lines that are kept, without their ends; nothing where no log is left."""
    offset, rest = 0, ""
    while part := read_log(task, offset, _PIECE):
        *lines, rest = (rest + part.text).split("\n")
        yield from lines
        if part.next_offset >= part.size or part.next_offset <= offset:
            break
        offset = part.next_offset
    if rest:
        yield rest


def marked(line: str, text: str) -> list[tuple[str, bool]]:
    """The line in parts, each with whether it is what was searched for."""
    folded, wanted = line.casefold(), text.casefold()
    if not wanted or len(folded) != len(line):  # a letter that folds to two: no place is sure
        return [(line, False)]
    parts: list[tuple[str, bool]] = []
    start = 0
    while (at := folded.find(wanted, start)) >= 0:
        end = at + len(wanted)
        parts += [(line[start:at], False), (line[at:end], True)]
        start = end
    return [part for part in [*parts, (line[start:], False)] if part[0]]
