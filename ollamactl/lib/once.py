"""What a process has one of, made when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """Make it once, however many threads ask at the same time (a decorator)."""
    lock = threading.Lock()
    made: list[T] = []

    @wraps(make)
    def the_one() -> T:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return the_one
