"""Figures, and the tables that show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Value = str | int | float | None


@dataclass(frozen=True)
class Options:
    """`quick`: as short as it can be, to try the bench itself out. `rows`: sizes of the lists.
    `pull_seconds`: how long a pull takes that nothing is added to."""

    quick: bool
    rows: tuple[int, ...]
    pull_seconds: int

    def pick(self, normal: int, quick: int) -> int:
        """One of the two numbers."""
        return quick if self.quick else normal


@dataclass(frozen=True)
class Table:
    """Figures under their headings (with the unit), and what has to be known to read them."""

    title: str
    rows: list[dict[str, Value]]
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The figures as they are, not rounded."""
        return asdict(self)

    def as_text(self) -> str:
        """A table that reads as it is, and in Markdown."""
        headings = list(self.rows[0]) if self.rows else ["nothing was measured"]
        cells = [[_shown(row.get(name)) for name in headings] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
        numeric = [_is_number(self.rows, name) for name in headings]
        rule = [f"{'-' * (width - right)}{':' * right}" for width, right in _pairs(widths, numeric)]
        lines = [_line(headings, widths, numeric), _line(rule, widths, numeric)]
        lines += [_line(row, widths, numeric) for row in cells]
        return "\n".join([self.title, "", *lines, *(["", *self.notes] if self.notes else [])])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("a percentile of nothing")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median(values: Sequence[float]) -> float:
    """The value in the middle; of an even number the lower one of the two."""
    return percentile(values, 0.5)


def spread(values: Sequence[float]) -> str:
    """The smallest and the largest, as text."""
    return f"{_shown(min(values))}–{_shown(max(values))}"


def _pairs(widths: list[int], numeric: list[bool]) -> list[tuple[int, bool]]:
    return list(zip(widths, numeric, strict=True))


def _line(cells: list[str], widths: list[int], numeric: list[bool]) -> str:
    padded = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, (width, right) in zip(cells, _pairs(widths, numeric), strict=True)
    ]
    return f"| {' | '.join(padded)} |"


def _is_number(rows: list[dict[str, Value]], name: str) -> bool:
    return all(isinstance(row.get(name), int | float | None) for row in rows)


def _shown(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else value
