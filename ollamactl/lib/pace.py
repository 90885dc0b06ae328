"""Many rows, written in short transactions with a turn for others between them."""

from __future__ import annotations

import time


class Pace:
    """How many rows the next transaction writes: as many as fit into its time.

    `first`, `least` and `most` are rows, `seconds` is the longest that one transaction is to take.
    A size grows to the double at most from one to the next.
    """

    def __init__(self, *, first: int, least: int, most: int, seconds: float) -> None:
        self.size = min(first, most)
        self._least, self._most, self._seconds = min(least, most), most, seconds
        self._begun = 0.0
        self._took = 0.0

    def begin(self) -> None:
        """The transaction begins now."""
        self._begun = time.monotonic()

    def end(self, written: int) -> None:
        """It is committed; so many rows were written."""
        self._took = time.monotonic() - self._begun
        size = round(written * min(2.0, 0.8 * self._seconds / max(self._took, 0.001)))
        self.size = max(self._least, min(self._most, size))

    def rest(self) -> None:
        """Wait as long as that took: a lock that is taken again at once is one that is kept."""
        time.sleep(max(0.0, min(self._took, self._seconds)))
