"""The present state of a topic, read once for all who ask at the same time.

Whoever asks gets a state that is read after they asked: an event published between a subscription
and its snapshot is then in the one or comes after the other, and none is lost.
"""

from __future__ import annotations

import asyncio
import time

from tasks_app.live import parse_topic
from tasks_app.sockets.messages import encode
from tasks_app.sockets.pool import in_pool

WINDOW = 0.1
"""Seconds from one reading of a topic to the next; who asks in between shares the next."""


class SharedSnapshots:
    """The `snapshot` messages of topics, for the sockets of one event loop."""

    def __init__(self) -> None:
        self._coming: dict[str, asyncio.Task[str]] = {}
        self._reading: dict[str, asyncio.Task[str]] = {}
        self._began: dict[str, float] = {}

    async def get(self, topic: str) -> str:
        """The encoded `snapshot` of a topic, as it is at this moment or later."""
        task = self._coming.get(topic)
        if task is None:
            before = self._reading.get(topic)
            task = self._coming[topic] = asyncio.create_task(self._read(topic, before))
        return await asyncio.shield(task)

    async def _read(self, topic: str, before: asyncio.Task[str] | None) -> str:
        try:
            await self._wait_for_turn(topic, before)
        finally:
            task = self._coming.pop(topic)
        self._reading[topic] = task
        self._note_beginning(topic)
        try:
            return await in_pool(read_snapshot, topic)
        finally:
            if self._reading.get(topic) is task:
                del self._reading[topic]

    async def _wait_for_turn(self, topic: str, before: asyncio.Task[str] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        pause = self._began.get(topic, 0.0) + WINDOW - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)

    def _note_beginning(self, topic: str) -> None:
        now = time.monotonic()
        if len(self._began) > 1000:
            self._began = {name: at for name, at in self._began.items() if at + WINDOW > now}
        self._began[topic] = now


def read_snapshot(topic: str) -> str:
    """Read and encode a topic's state. `seq` is the row's own; a list's is the clock, in ms."""
    kind, number = parse_topic(topic)
    now_ms = time.time_ns() // 1_000_000
    data = kind.snapshot(number)
    seq = now_ms if number is None else int((data or {}).get("seq", 0))
    return encode("snapshot", subject=topic, seq=seq, data=data)
