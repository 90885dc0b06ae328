"""A rate limit that many threads share and that a test changes while they run."""

import threading
import time


class Throttle:
    """Hands out bytes at `rate` bytes a second (None: without a limit; 0: none at all)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rate: float | None = None
        self._next = 0.0

    @property
    def rate(self) -> float | None:
        """Bytes a second over all connections together."""
        return self._rate

    @rate.setter
    def rate(self, value: float | None) -> None:
        with self._changed:
            self._rate = value
            self._next = time.monotonic()
            self._changed.notify_all()

    def take(self, count: int) -> None:
        """Block until `count` bytes may go out."""
        with self._changed:
            while self._rate is not None:
                now = time.monotonic()
                if self._rate > 0 and self._next <= now:
                    # An idle limit saves up nothing: else the first second would be a burst.
                    self._next = max(self._next, now - 0.05) + count / self._rate
                    return
                self._changed.wait(self._next - now if self._rate > 0 else None)
