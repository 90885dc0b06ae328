"""Removing what is old, in slices so short that nobody waits for them.

Each slice is a transaction of its own, so that a process may be killed at any moment, and any
number of processes may do the same: a slice looks again at what it removes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError

logger = logging.getLogger(__name__)

LARGEST, FIRST, SMALLEST = 500, 100, 20  # rows a slice
SLICE_SECONDS = 0.05
AT_ONCE = 20_000
"""Rows that are looked for at once."""

Keys = list[Any]


@dataclass(frozen=True)
class Removable:
    """One kind of record.

    `find(n)` gives the keys of at most `n` rows that may go, without a lock. `remove(keys)`
    removes, in one transaction, those of them that still may, and returns how many that were;
    it is given `largest` of them at most.
    """

    name: str
    find: Callable[[int], Keys]
    remove: Callable[[Keys], int]
    largest: int = LARGEST


def remove_old(
    kinds: Sequence[Removable], *, seconds: float, stopping: Callable[[], bool]
) -> dict[str, int]:
    """Remove what may go until nothing is left, `seconds` have passed or `stopping()`.

    Returns how many rows of each kind went, without the kinds of which none did.
    """
    deadline = time.monotonic() + seconds
    removed = {}
    for kind in kinds:
        try:
            count = _remove_kind(kind, lambda: stopping() or time.monotonic() >= deadline)
        except DatabaseError as error:
            # Busy, or somebody refers to a row since: the next round looks again.
            logger.warning("Old records (%s) stay for now: %s", kind.name, error)
            continue
        if count:
            removed[kind.name] = count
    return removed


def _remove_kind(kind: Removable, enough: Callable[[], bool]) -> int:
    total, size = 0, min(FIRST, kind.largest)
    while not enough() and (keys := kind.find(AT_ONCE)):
        before = total
        while keys and not enough():
            begun = time.monotonic()
            total += kind.remove(keys[:size])
            took = time.monotonic() - begun
            del keys[:size]
            size = min(_next_size(size, took), kind.largest)
            time.sleep(took)  # a lock that is taken again at once is one that nobody else gets
        if total == before:
            break  # what was found may not go after all
    return total


def _next_size(size: int, took: float) -> int:
    """Rows for the next slice, from how long this one took."""
    return max(SMALLEST, min(LARGEST, size * 2, int(size * SLICE_SECONDS / max(took, 0.001))))
