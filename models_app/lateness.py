"""How late an event loop is: what the panel's own busyness took is not a server's slowness."""

from __future__ import annotations

import asyncio

_EVERY = 0.05


class Lateness:
    """Measures one event loop while somebody is `watching` it."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._watchers = 0
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def __enter__(self) -> Lateness:
        self._watchers += 1
        if self._handle is None:
            self._arm(asyncio.get_running_loop())
        return self

    def __exit__(self, *_: object) -> None:
        self._watchers -= 1

    def total(self) -> float:
        """Seconds by which the loop has come too late, all together; compare two of them."""
        now = asyncio.get_running_loop().time()
        return self._sum + (max(0.0, now - self._due) if self._handle else 0.0)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + _EVERY
        self._handle = loop.call_at(self._due, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sum += max(0.0, loop.time() - self._due)
        self._handle = None
        if self._watchers:
            self._arm(loop)
