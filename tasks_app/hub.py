"""The hub: what all attempts of one worker process share.

It sends their progress (the first line after quiet at once, then at most four a second each) and
hears what people tell them. Its `LeaseKeeper` alone touches the database while tasks stream.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from datetime import timedelta
from typing import Any

from redis import RedisError

from ollamactl.lib.connections import close_connections
from ollamactl.lib.once import once
from tasks_app import transitions
from tasks_app.attempt import Attempt, Stop
from tasks_app.event_loop import event_loop
from tasks_app.figures import ATTEMPTS
from tasks_app.lease_keeper import LeaseKeeper
from tasks_app.models import Task
from tasks_app.owners import Owner
from tasks_app.publisher import WORKERS, publisher
from tasks_app.subscription import hear_group
from tasks_app.wakeups import send_wake
from tasks_app.words import CANCEL, PAUSE

logger = logging.getLogger(__name__)

INTERVAL = 0.25  # seconds between two events about the progress of one task
GRACE = 2.5  # seconds that a runner has to end when its process does
LISTEN_AGAIN = 1.0  # seconds before a lost Valkey is tried again
STOPS = {CANCEL: Stop.CANCEL, PAUSE: Stop.PAUSE}


class Hub:
    """The attempts of this process."""

    def __init__(self) -> None:
        self.owner = Owner()
        self.closing = False
        self._attempts: dict[tuple[int, int], Attempt] = {}
        self._lock = threading.Lock()
        self._publisher = publisher()
        self._loop = event_loop()
        self._keeper = LeaseKeeper(self.owner, self.attempts)
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self._keeper.start()

    def attempts(self) -> list[Attempt]:
        """Those under way now."""
        with self._lock:
            return list(self._attempts.values())

    def enter(self, task: Task) -> Attempt:
        """Begin to look after a claimed task."""
        attempt = Attempt(task, self._news)
        ATTEMPTS.add(1, task.type)
        with self._lock:
            self._attempts[task.pk, task.epoch] = attempt
        if self.closing:
            attempt.stop(Stop.RELEASE)
        return attempt

    def close(self, attempt: Attempt) -> None:
        """Send the last news; the task's end follows."""
        for event in attempt.close():
            self._publisher.send(event)

    def leave(self, attempt: Attempt) -> None:
        """The attempt is over, however it ended."""
        self.close(attempt)
        with self._lock:
            self._attempts.pop((attempt.task.pk, attempt.task.epoch), None)

    def release_all(self) -> None:
        """Give every task back to the queue: this process ends. Safe in a signal handler."""
        self.closing = True
        # A thread of its own: a handler must not wait for a lock that the main thread may hold.
        threading.Thread(target=self._release_all, name="release", daemon=True).start()

    def wake_later(self, queue: str, delay: timedelta) -> None:
        """Wake the queue when a retry is due; the reconciler would, too, a little later."""

        def wake() -> None:
            self._loop.run_in_executor(None, send_wake, queue)

        def schedule() -> None:
            self._loop.call_later(delay.total_seconds() + 0.01, wake)

        self._loop.call_soon_threadsafe(schedule)

    def _release_all(self) -> None:
        for attempt in self.attempts():
            attempt.stop(Stop.RELEASE)
        deadline = time.monotonic() + GRACE
        while self.attempts() and time.monotonic() < deadline:
            time.sleep(0.05)
        for attempt in self.attempts():
            # Its thread does not listen and will be killed: the row must not wait for that.
            attempt.stop(Stop.LOST)
            transitions.release(attempt.task, floor=attempt.seq)
        close_connections()

    # --- on the event loop ------------------------------------------------------------------------

    def _news(self, attempt: Attempt) -> None:
        if not attempt.news_pending:
            attempt.news_pending = True
            self._loop.call_soon_threadsafe(self._schedule, attempt)

    def _schedule(self, attempt: Attempt) -> None:
        wait = attempt.news_sent_at + INTERVAL - time.monotonic()
        if wait <= 0:
            self._flush(attempt)
        else:
            self._loop.call_later(wait, self._flush, attempt)

    def _flush(self, attempt: Attempt) -> None:
        attempt.news_pending = False
        attempt.news_sent_at = time.monotonic()
        for event in attempt.collect():
            self._publisher.send(event)

    async def _listen(self) -> None:
        while True:
            try:
                await hear_group(WORKERS, on_subscribed=lambda: None, on_message=self._hear)
            except (RedisError, OSError, TimeoutError) as error:
                logger.debug("No words from people for now: %s", error)
            await asyncio.sleep(LISTEN_AGAIN)

    def _hear(self, message: dict[str, Any]) -> None:
        reason = STOPS.get(str(message.get("word")))
        for attempt in self.attempts():
            if reason is not None and attempt.task.pk == message.get("task"):
                attempt.stop(reason)


@once
def hub() -> Hub:
    """This process's hub; started at first use."""
    return Hub()
