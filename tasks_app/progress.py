"""How far a task is: the numbers, their rate, and how the interface shows them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from tasks_app.choices import State, Unit
from tasks_app.models import Task

WINDOW = 5.0  # seconds over which a rate is measured
SHORTEST = 0.5  # seconds of measuring before a rate is said
LARGEST = 2**63 - 1  # what a column holds; numbers come from servers, and sums of them can be more


@dataclass(frozen=True)
class Progress:
    """`done` of `total` in `unit`, at `rate` units a second, in a `phase` (a word or two)."""

    done: int | None = None
    total: int | None = None
    unit: str = Unit.NONE
    rate: float | None = None
    phase: str = ""

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left at the present rate; None where that is not known."""
        if not self.rate or self.done is None or self.total is None:
            return None
        return round(max(0, self.total - self.done) / self.rate, 1)

    def updated(
        self,
        *,
        done: int | None,
        total: int | None,
        unit: str,
        phase: str,
        rate: float | None,
    ) -> Progress:
        """With the news in it; what is not said (None, "") stays as it was."""
        return replace(
            self,
            done=self.done if done is None else min(done, LARGEST),
            total=self.total if total is None else min(total, LARGEST),
            unit=unit or self.unit,
            phase=phase or self.phase,
            rate=rate,
        )

    def as_json(self) -> dict[str, Any]:
        """The `progress` object of the interface: every key always there."""
        return {
            "done": self.done,
            "total": self.total,
            "unit": self.unit or None,
            "rate": None if self.rate is None else round(self.rate, 1),
            "eta_seconds": self.eta_seconds,
            "phase": self.phase or None,
        }


class Meter:
    """The rate of the last seconds, from what was done when. Not thread-safe: its caller locks."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def rate(self, now: float, done: int | None) -> float | None:
        """Units a second over the window that ends `now` (a monotonic time in seconds)."""
        if done is None:
            return None
        seen = self._seen
        if seen and done < seen[-1][1]:
            seen.clear()  # it began again: an older count says nothing any more
        if not seen or now - seen[-1][0] >= WINDOW / 20:
            seen.append((now, done))
        while len(seen) > 2 and now - seen[1][0] >= WINDOW:
            seen.popleft()
        elapsed = now - seen[0][0]
        return (done - seen[0][1]) / elapsed if elapsed >= SHORTEST else None


def stored_progress(task: Task) -> Progress:
    """The progress in the row; only a running task has a rate."""
    return Progress(
        done=task.done,
        total=task.total,
        unit=task.unit,
        rate=task.rate if task.state == State.RUNNING else None,
        phase=task.phase,
    )


def progress_of(task: Task) -> dict[str, Any]:
    """The `progress` object of a row."""
    return stored_progress(task).as_json()
