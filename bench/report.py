"""The figures as a document and as a plot."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.figures import Table

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 380, 60, 40, 20
LEGEND = 200  # of the width
COLOURS = ("#4c6ef5", "#e8590c", "#2b8a3e", "#ae3ec9", "#1098ad", "#c92a2a", "#868e96")


def fill_in(document: Path, part: str, text: str) -> None:
    """Replace what stands between `<!-- bench: PART -->` and `<!-- end -->` in a document.

    ValueError where the document has no such place.
    """
    place = re.compile(rf"(<!-- bench: {re.escape(part)} -->\n).*?(<!-- end -->)", re.DOTALL)
    before = document.read_text()
    after, count = place.subn(lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", before)
    if count != 1:
        raise ValueError(
            f"{document} has no place for {part}: <!-- bench: {part} --> … <!-- end -->"
        )
    document.write_text(after)


def as_markdown(tables: Sequence[Table], command: str, machine: dict[str, Any]) -> str:
    """The tables with the command that measures them, and where they were measured."""
    where = ", ".join(f"{key} {value}" for key, value in machine.items())
    shown = []
    for table in tables:
        title, _gap, rest = table.as_text().partition("\n\n")
        shown.append(f"**{title}**\n\n{rest}")
    return "\n\n".join([f"`{command}`: {where}.", *shown])


def plot_lists(table: Table) -> str:
    """An SVG of the list's p95 by its length, a line for each kind of request, both logarithmic."""
    lines: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in table.rows:
        rows, p95 = row["rows"], row["p95 ms"]
        if isinstance(rows, int) and isinstance(p95, float):
            lines[str(row["request"])].append((math.log10(rows), math.log10(p95)))
    return _svg(lines, "rows", "p95 ms")


def _svg(lines: dict[str, list[tuple[float, float]]], across: str, upwards: str) -> str:
    points = [point for line in lines.values() for point in line]
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    left, right = math.floor(min(xs)), max(math.ceil(max(xs)), math.floor(min(xs)) + 1)
    low, high = math.floor(min(ys)), max(math.ceil(max(ys)), math.floor(min(ys)) + 1)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - left) / (right - left) * (WIDTH - LEFT - LEGEND),
            HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - BOTTOM - TOP),
        )

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for power in range(left, right + 1):
        x, y = at(power, low)
        parts.append(_text(x, y + 18, f"{10**power:,}", "middle"))
    for power in range(low, high + 1):
        x, y = at(left, power)
        end = at(right, power)[0]
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{end:.1f}" stroke="#ddd"/>')
        parts.append(_text(x - 6, y + 4, f"{10.0**power:g}", "end"))
    parts.append(_text(at(right, low)[0], HEIGHT - 6, across, "end"))
    parts.append(_text(4, 12, upwards, "start"))
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        dash = ' stroke-dasharray="6 4"' if number >= len(COLOURS) else ""
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in line))
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        y = TOP + 10 + 20 * number
        x = WIDTH - LEGEND + 10
        parts.append(f'<path d="M{x} {y}h24" stroke="{colour}" stroke-width="2"{dash}/>')
        parts.append(_text(x + 30, y + 4, name, "start"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'{head} font-family="sans-serif" font-size="11">{"".join(parts)}</svg>\n'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
