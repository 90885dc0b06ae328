"""How many tasks may run at once in this process, so that threads stay free for short work."""

from __future__ import annotations

import threading
from collections import Counter

CONTROL = "control"
"""The queue of short work: it always gets a thread."""


class Slots:
    """Of the pool's threads three quarters for one queue, seven eighths for all but control."""

    def __init__(self, threads: int) -> None:
        self._taken: Counter[str] = Counter()
        self._refused: set[str] = set()
        self._lock = threading.Lock()
        self.set_threads(threads)

    def set_threads(self, threads: int) -> None:
        """Say how many threads the pool has; before the first task."""
        self._one_queue = max(1, threads * 3 // 4)
        self._all = max(1, threads * 7 // 8)

    def take(self, queue: str) -> bool:
        """Take a slot; False where there is none. A refused queue is named when one is free."""
        with self._lock:
            if queue != CONTROL and (
                self._taken[queue] >= self._one_queue or self._taken.total() >= self._all
            ):
                self._refused.add(queue)
                return False
            self._taken[queue] += 1
            return True

    def give_back(self, queue: str) -> set[str]:
        """Give a slot back; returns the queues that were refused and may look for work again."""
        with self._lock:
            self._taken[queue] -= 1
            refused, self._refused = self._refused - {queue}, set()
            return refused


slots = Slots(threads=288)
"""This process's slots; `set_threads` says how many threads there really are."""
