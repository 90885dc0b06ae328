"""One writer at a time, in all processes that share a file, nearly in the order in which they come.

SQLite has one writer, and who finds it busy sleeps for up to 100 ms before looking again: whoever
looks at the wrong moments waits for seconds beside another who writes again and again. Here a
thread queues within its process, and a process holds the file "next" while it waits for the turn:
so who has just had the turn comes after who waits.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

LOOKS_EVERY = 0.002  # seconds between two looks of the process that comes next
QUEUES_EVERY = 0.005  # and of those behind it


class Turn:
    """The turn to write into the database at `path`; where its folder takes no file, it is that of
    this process alone. Waiting ends after `seconds`: then SQLite's own lock has to do.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self._seconds = seconds
        self._thread = threading.Lock()
        self._next = _open(path.with_name(f"{path.name}-next"))
        self._now = _open(path.with_name(f"{path.name}-turn"))

    def take(self) -> bool:
        """Wait for the turn; whether it came. A thread that has it does not take it again."""
        until = time.monotonic() + self._seconds
        if not self._thread.acquire(timeout=self._seconds):
            return False
        if _locked(self._next, until, QUEUES_EVERY):
            came = _locked(self._now, until, LOOKS_EVERY)
            _unlock(self._next)
            if came:
                return True
        self._thread.release()
        return False

    def leave(self) -> None:
        """Let the next have it."""
        _unlock(self._now)
        self._thread.release()


def _open(path: Path) -> int | None:
    with suppress(OSError):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return None


def _locked(file: int | None, until: float, every: float) -> bool:
    if file is None:
        return True
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > until:
            return False
        time.sleep(every)


def _unlock(file: int | None) -> None:
    if file is not None:
        fcntl.flock(file, fcntl.LOCK_UN)
