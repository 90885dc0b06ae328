"""One attempt at one task, in the worker that has it: what its runner sees as its `Run`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any, TypeVar

from ollamactl.lib.connections import close_connections
from tasks_app.choices import Unit
from tasks_app.event_loop import event_loop
from tasks_app.events import task_log, task_progress, topics_of
from tasks_app.logs import LogWriter
from tasks_app.models import Task
from tasks_app.progress import Meter, Progress, stored_progress
from tasks_app.publisher import Event
from tasks_app.runners import Stopped
from tasks_app.sequence import next_seq

T = TypeVar("T")
LOG_BUFFER = 64_000  # characters of log lines that wait for the next event; the file has them all


class Stop(IntEnum):
    """Why an attempt has to end; a later one in this list outweighs an earlier one."""

    RELEASE = 1
    PAUSE = 2
    CANCEL = 3
    LOST = 4


class Attempt:
    """A claimed task with its news. Implements `tasks_app.runners.Run`.

    `on_news` is called, from any thread, when there is progress or a log line to send.
    """

    def __init__(self, task: Task, on_news: Callable[[Attempt], None]) -> None:
        self.task = task
        self.topics = topics_of(task)
        self.stopping = threading.Event()
        self.reason: Stop | None = None
        self.closed = False
        self.seq = task.seq
        self.news_pending = False
        self.news_sent_at = 0.0
        self.unsaved = False
        self._on_news = on_news
        self._lock = threading.Lock()
        self._progress = stored_progress(task)
        self._progress_news = False
        self._meter = Meter()
        self._log = LogWriter(task)
        self._log_news: tuple[int, str] | None = None
        self._stream: asyncio.Task[Any] | None = None

    # --- what the runner uses ---------------------------------------------------------------------

    def log(self, line: str) -> None:
        """Add to the log file and to the live log."""
        self.check()
        self.write_log(line)

    def progress(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        unit: Unit = Unit.NONE,
        phase: str = "",
        rate: float | None = None,
    ) -> None:
        """Say how far the work is; what is left out stays as it was."""
        self.check()
        with self._lock:
            if rate is None:
                rate = self._meter.rate(time.monotonic(), done)
            self._progress = self._progress.updated(
                done=done, total=total, unit=unit, phase=phase, rate=rate
            )
            self._progress_news = self.unsaved = True
        self._on_news(self)

    def check(self) -> None:
        """Raise `Stopped` if the work has to end."""
        if self.stopping.is_set():
            raise Stopped

    def stream(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop; it is cancelled when the task has to stop."""
        if self.stopping.is_set():
            work.close()
            raise Stopped
        close_connections()
        future = asyncio.run_coroutine_threadsafe(self._supervised(work), event_loop())
        try:
            return future.result()
        except concurrent.futures.CancelledError as error:
            raise Stopped from error

    # --- what the worker uses ---------------------------------------------------------------------

    def stop(self, reason: Stop) -> None:
        """Make the runner end: its next word raises, its stream is cancelled."""
        with self._lock:
            if self.reason is None or reason > self.reason:
                self.reason = reason
            self.stopping.set()
            stream = self._stream
        if stream is not None:
            event_loop().call_soon_threadsafe(stream.cancel)

    def write_log(self, line: str) -> None:
        """Add to the log even while the work is being stopped; not once the lease is lost."""
        if self.reason is Stop.LOST:
            return
        written = self._log.write(line)
        if written is None:
            return
        offset, text = written
        with self._lock:
            waiting = self._log_news
            if waiting is None:
                self._log_news = (offset, text)
            elif len(waiting[1]) < LOG_BUFFER:
                self._log_news = (waiting[0], waiting[1] + text)
        self._on_news(self)

    def collect(self) -> list[Event]:
        """The events for all news since the last time; none once the attempt is closed."""
        with self._lock:
            return [] if self.closed else self._collect()

    def close(self) -> list[Event]:
        """The last events; the end of the task comes after them, and nothing after the end."""
        with self._lock:
            if self.closed:
                return []
            self.closed = True
            return self._collect()

    def take_unsaved(self) -> Progress | None:
        """What is not in the row yet, or None."""
        with self._lock:
            unsaved, self.unsaved = self.unsaved, False
            return self._progress if unsaved else None

    def _collect(self) -> list[Event]:
        events = []
        if self._log_news is not None:
            (offset, text), self._log_news = self._log_news, None
            self.seq = next_seq(self.seq)
            events.append(task_log(self.task, seq=self.seq, offset=offset, text=text))
        if self._progress_news:
            self._progress_news = False
            self.seq = next_seq(self.seq)
            events.append(
                task_progress(self.task, seq=self.seq, progress=self._progress, topics=self.topics)
            )
        return events

    async def _supervised(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            self._stream = asyncio.current_task()
            stopping = self.stopping.is_set()
        try:
            if stopping:
                work.close()
                raise asyncio.CancelledError
            return await work
        finally:
            with self._lock:
                self._stream = None
