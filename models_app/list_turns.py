"""Whose turn it is to be asked for a list of models, which may be long or never end."""

from __future__ import annotations

import threading
import time

LISTS_AT_ONCE = 128
# So long a server whose list does not come is not asked for it again.
REST_SECONDS = 300.0


class ListTurns:
    """Who may be asked for a list: so many at once, and not who did not answer lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reading: set[int] = set()
        self._rest_until: dict[int, float] = {}

    def left_out(self) -> set[int]:
        """The ids of servers that are being asked, or rest."""
        now = time.monotonic()
        with self._lock:
            self._rest_until = {pk: end for pk, end in self._rest_until.items() if end > now}
            return self._reading | self._rest_until.keys()

    def free(self) -> int:
        """How many more may be asked now."""
        with self._lock:
            return max(0, LISTS_AT_ONCE - len(self._reading))

    def begin(self, pk: int) -> None:
        """A server is asked."""
        with self._lock:
            self._reading.add(pk)

    def end(self, pk: int, *, came: bool) -> None:
        """Its list came, or not."""
        with self._lock:
            self._reading.discard(pk)
            if not came:
                self._rest_until[pk] = time.monotonic() + REST_SECONDS

    def forget(self, pk: int) -> None:
        """A server is back: it need not rest."""
        with self._lock:
            self._rest_until.pop(pk, None)


list_turns = ListTurns()
"""Of this process."""
