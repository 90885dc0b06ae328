"""Small line charts, drawn on the server as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 320, 96
# Room for the dots at the edges.
MARGIN = 6


@dataclass(frozen=True)
class Dot:
    """One value: where it is in the picture, and what it is."""

    x: float
    y: float
    value: float
    at: datetime
    kind: str = ""


@dataclass(frozen=True)
class Chart:
    """A line over time. `least` and `most` are the values at its lower and upper edge."""

    dots: list[Dot]
    least: float
    most: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def line(self) -> str:
        """The points of the line, as SVG takes them."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)

    @property
    def last(self) -> Dot:
        """The newest value."""
        return self.dots[-1]


def line_chart(
    values: Sequence[tuple[datetime, float]], *, kinds: Sequence[str] = ()
) -> Chart | None:
    """A chart of values in the order of their times, from zero up; None without a value.

    `kinds`, where given, says of each value what it is, so that dots can look different.

    They stand side by side, at even distances: what is compared is one run with the next.
    """
    if not values:
        return None
    most = max(value for _at, value in values) or 1.0
    step = (WIDTH - 2 * MARGIN) / max(1, len(values) - 1)
    dots = [
        Dot(
            x=round(MARGIN + number * step, 1) if len(values) > 1 else WIDTH / 2,
            y=round(HEIGHT - MARGIN - value / most * (HEIGHT - 2 * MARGIN), 1),
            value=value,
            at=at,
            kind=kinds[number] if kinds else "",
        )
        for number, (at, value) in enumerate(values)
    ]
    return Chart(dots, least=0.0, most=most)
