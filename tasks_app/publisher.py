"""Sending events to every web process, and words to every worker, without waiting for anything.

One a process. `send` only puts the event into a bounded queue; a coroutine on the process's event
loop takes up to `BATCH` at a time to the channel layer. What cannot be sent is dropped: pages get a
snapshot when they come back, and workers read the flags in the row every second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from channels.layers import get_channel_layer

from ollamactl.lib.once import once
from tasks_app.event_loop import event_loop
from tasks_app.figures import EVENTS_DROPPED, EVENTS_SENT
from tasks_app.sockets.messages import encode

logger = logging.getLogger(__name__)

BATCH = 50  # events a message
QUEUED = 10_000  # events; the oldest give way
PAUSE = 0.01  # seconds between two messages, in which the next batch gathers
TIMEOUT = 2.0  # seconds for one message
QUIET = 60.0  # seconds between two complaints in the log

GROUP = "events"
"""The channel layer's group that carries every event to every web process.

A message is `{"type": MESSAGE, "events": [{text, topics, progress_of}, ...]}`: the text is what the
clients get, `progress_of` names the task whose later progress takes its place.
"""
MESSAGE = "events"
PROGRESS = "task.progress"

WORKERS = "workers"
"""The channel layer's group that every worker listens to."""


@dataclass(frozen=True)
class Event:
    """One message to subscribers: api.md's `{type, seq, ts, subject, data}` and where it goes."""

    type: str
    subject: str
    seq: int
    data: dict[str, Any]
    topics: tuple[str, ...]


class Publisher:
    """The queue of events on their way out, and the coroutine that drains it."""

    def __init__(self) -> None:
        self.loop = event_loop()
        self._queue: deque[dict[str, Any]] = deque(maxlen=QUEUED)
        self._news = asyncio.Event()
        self._woken = False
        self._complained = -QUIET
        asyncio.run_coroutine_threadsafe(self._drain(), self.loop)

    def send(self, event: Event) -> None:
        """Queue an event. Safe from any thread; never blocks, never fails."""
        try:
            message = as_message(event)
        except (TypeError, ValueError):
            logger.exception("An event of type %s cannot be sent", event.type)
            return
        if len(self._queue) == QUEUED:
            EVENTS_DROPPED.add()
        self._queue.append(message)
        if not self._woken:  # it is dear, and thousands may be sent at once
            self._woken = True
            self.loop.call_soon_threadsafe(self._news.set)

    def tell_workers(self, word: dict[str, Any]) -> None:
        """Push a word to every worker; nobody may be listening."""
        asyncio.run_coroutine_threadsafe(
            self._deliver(WORKERS, {"type": "word", **word}), self.loop
        )

    async def _drain(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self._woken = False  # what is sent from now on wakes again
            while self._queue:
                count = min(BATCH, len(self._queue))
                batch = [self._queue.popleft() for _ in range(count)]
                sent = await self._deliver(GROUP, {"type": MESSAGE, "events": batch})
                (EVENTS_SENT if sent else EVENTS_DROPPED).add(count)
                await asyncio.sleep(PAUSE)

    async def _deliver(self, group: str, message: dict[str, Any]) -> bool:
        layer = get_channel_layer()
        if layer is None:
            return False
        try:
            async with asyncio.timeout(TIMEOUT):
                await layer.group_send(group, message)
        except Exception as error:  # an event is never worth a failure
            self._complain(error)
            return False
        return True

    def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._complained >= QUIET:
            self._complained = now
            logger.warning("Live events cannot be sent: %s", str(error) or type(error).__name__)


def as_message(event: Event) -> dict[str, Any]:
    """The event as it travels: made into text here, once for all web processes and clients."""
    return {
        "text": encode(event.type, subject=event.subject, seq=event.seq, data=event.data),
        "topics": list(event.topics),
        "progress_of": event.subject if event.type == PROGRESS else "",
    }


@once
def publisher() -> Publisher:
    """This process's publisher; started at first use."""
    return Publisher()
