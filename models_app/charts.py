"""Small line charts, drawn on the server as SVG."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models_app.rates import Sample

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


RATE_WIDTH, RATE_HEIGHT = 600, 120
RATE_SECONDS = 600


@dataclass(frozen=True)
class RateChart:
    """Rates over the last ten minutes; the page's script draws on from `samples`."""

    samples: list[tuple[int, int]]
    line: str
    now: int
    most: int
    width: int = RATE_WIDTH
    height: int = RATE_HEIGHT
    seconds: int = RATE_SECONDS

    @property
    def json(self) -> str:
        """The samples for the page's script."""
        return json.dumps(self.samples)


def rate_chart(samples: Sequence[Sample], *, now: float) -> RateChart:
    """The line of the samples by their times: its right edge is now, its height their highest."""
    shown = [(each.at, each.rate) for each in samples if now - RATE_SECONDS <= each.at <= now + 60]
    most = max((rate for _at, rate in shown), default=0)
    points = (
        f"{RATE_WIDTH * (1 - max(0.0, now - at) / RATE_SECONDS):.1f},"
        f"{RATE_HEIGHT - rate / (most or 1) * (RATE_HEIGHT - 8):.1f}"
        for at, rate in shown
    )
    latest = shown[-1][1] if shown else 0
    return RateChart(samples=shown, line=" ".join(points), now=latest, most=most)
