"""The hub's one database thread: progress into the rows, leases renewed, flags and fences read."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from django.db import DatabaseError, transaction

from ollamactl.lib.connections import close_connections
from tasks_app.attempt import Attempt, Stop
from tasks_app.choices import State
from tasks_app.clock import HEARTBEAT, LEASE, from_now
from tasks_app.models import Task
from tasks_app.owners import Owner
from tasks_app.transitions import save_progress

logger = logging.getLogger(__name__)

ROUND = 1.0  # seconds
SLICE = 50  # rows a transaction: a few dozen milliseconds of the write lock


class LeaseKeeper:
    """Looks after the rows of a process's attempts, once a second."""

    def __init__(self, owner: Owner, attempts: Callable[[], list[Attempt]]) -> None:
        self._owner = owner
        self._attempts = attempts
        self._renewed_at = 0.0

    def start(self) -> None:
        """Begin, in a daemon thread."""
        threading.Thread(target=self._keep, name="lease-keeper", daemon=True).start()

    def look(self) -> None:
        """One round over all attempts."""
        present = self._attempts()  # those whose end is being written, too
        if not present:
            close_connections()
            return
        attempts = [attempt for attempt in present if not attempt.closed]
        if attempts:
            self._read_words(attempts)
        if time.monotonic() - self._renewed_at >= HEARTBEAT.total_seconds():
            self._renew(present)
        self._save(attempts)

    def _keep(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(ROUND)
            try:
                self.look()
            except DatabaseError as error:
                logger.warning("The tasks' rows cannot be looked after for now: %s", error)
                close_connections()
            except Exception:
                logger.exception("The tasks' rows could not be looked after")
                close_connections()

    def _read_words(self, attempts: Iterable[Attempt]) -> None:
        ids = {attempt.task.pk for attempt in attempts}
        rows = {
            row[0]: row[1:]
            for row in Task.objects.filter(pk__in=ids).values_list(
                "pk", "epoch", "state", "cancel_requested", "pause_requested"
            )
        }
        for attempt in attempts:
            reason = _reason(attempt, rows.get(attempt.task.pk))
            if reason is not None and not attempt.closed:
                attempt.stop(reason)

    def _renew(self, attempts: Iterable[Attempt]) -> None:
        """Not every row in this process's name: one whose end could not be written is lost."""
        ids = {attempt.task.pk for attempt in attempts}
        held = Task.objects.filter(pk__in=ids, owner=self._owner.name, state=State.RUNNING)
        held.update(lease_until=from_now(LEASE))
        self._renewed_at = time.monotonic()

    def _save(self, attempts: list[Attempt]) -> None:
        changed = [
            (attempt, progress)
            for attempt in attempts
            if (progress := attempt.take_unsaved()) is not None
        ]
        for begin in range(0, len(changed), SLICE):
            with transaction.atomic():
                for attempt, progress in changed[begin : begin + SLICE]:
                    kept = save_progress(attempt.task, progress, attempt.seq)
                    if not kept and not attempt.closed:
                        attempt.stop(Stop.LOST)


def _reason(attempt: Attempt, row: tuple[int, str, bool, bool] | None) -> Stop | None:
    if row is None or row[0] != attempt.task.epoch or row[1] != State.RUNNING:
        return Stop.LOST
    if row[2]:
        return Stop.CANCEL
    return Stop.PAUSE if row[3] else None
