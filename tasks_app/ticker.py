"""The beat: sends what is to happen again and again, from a thread of every worker.

A scheduler in a process of its own ends unnoticed when it is killed or cannot write its file, and
stands still while a clock that was put back catches up. This one lives and dies with the worker,
keeps nothing and knows the monotonic clock only. With several workers each of them ticks: what is
sent may come more often than asked for, and finds nothing to do then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from celery import current_app

from tasks_app.wakeups import send_quietly

logger = logging.getLogger(__name__)

Send = Callable[["Entry"], None]


@dataclass(frozen=True)
class Entry:
    """One line of `beat_schedule`: a task's name, the seconds between two, how it is sent."""

    name: str
    task: str
    every: float
    options: Mapping[str, Any]


class Ticker:
    """Calls `send` for each entry when it is due, and at the start."""

    def __init__(self, entries: list[Entry], send: Send) -> None:
        self._send = send
        begin = time.monotonic()
        self._due = {entry.name: (begin, entry) for entry in entries}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self._thread.start()

    def stop(self) -> None:
        """Tick no more."""
        self._stop.set()

    def _run(self) -> None:
        while self._due and not self._stop.wait(self._seconds_left()):
            now = time.monotonic()
            for name, (due, entry) in list(self._due.items()):
                if due <= now:
                    # Late ones are not made up for: what was missed is found by the next one.
                    self._due[name] = (max(due + entry.every, now), entry)
                    self._tick(entry)

    def _seconds_left(self) -> float:
        return max(0.0, min(due for due, _entry in self._due.values()) - time.monotonic())

    def _tick(self, entry: Entry) -> None:
        try:
            self._send(entry)
        except Exception:  # the others go on, and so does this one
            logger.exception("The tick %s could not be sent", entry.name)


def schedule_entries(schedule: Mapping[str, Mapping[str, Any]]) -> list[Entry]:
    """The lines of Celery's `beat_schedule`; `schedule` is a number of seconds."""
    return [
        Entry(name, str(line["task"]), float(line["schedule"]), dict(line.get("options", {})))
        for name, line in schedule.items()
    ]


def send_tick(entry: Entry) -> None:
    """Send an entry's task to the workers."""
    send_quietly(current_app.tasks[entry.task], **entry.options)


def worker_ticker() -> Ticker:
    """The ticker of this worker, not started yet."""
    return Ticker(schedule_entries(current_app.conf.beat_schedule), send_tick)
