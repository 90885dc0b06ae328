"""Threads that are used again, each with the database connection that it has opened."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from ollamactl.lib.connections import close_connections


class KeptThreads:
    """Any number of threads at work; of those at rest `most` are kept, the others end.

    To begin a thread, and to open SQLite's file in it, costs more than most of what is done there.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: list[ThreadPoolExecutor] = []

    @property
    def resting(self) -> int:
        """How many wait for work."""
        return len(self._idle)

    @contextmanager
    def one(self) -> Iterator[ThreadPoolExecutor]:
        """One thread for the block alone: the one that rested last, or a new one."""
        try:
            thread = self._idle.pop()
        except IndexError:
            thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")
        try:
            yield thread
        finally:
            # By the thread itself: it may still be at work for somebody who has gone away.
            with suppress(RuntimeError):  # the process ends
                thread.submit(self._rest, thread)

    def _rest(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < self._most:
            self._idle.append(thread)
        else:
            close_connections()
            thread.shutdown(wait=False)
