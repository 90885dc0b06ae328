"""The panel's housekeeping: what is older than the settings allow goes, a little at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from audit_app.retention import old_records
from ollamactl.lib.retention import remove_old
from ollamactl.lib.sqlite_space import give_back_space
from tasks_app.figures import RECORDS_REMOVED
from tasks_app.log_files import remove_orphans
from tasks_app.retention import ended_tasks, records_of_others

logger = logging.getLogger(__name__)

SECONDS = 60.0
"""The longest round; what is left waits for the next one."""
ORPHANS_EVERY = timedelta(hours=24).total_seconds()


class Orphans:
    """When the files are looked at whose task is gone: at the start, and once a day."""

    def __init__(self) -> None:
        self._due = 0.0

    def remove(self) -> int:
        """Remove them if it is time; returns how many tasks had left some."""
        if time.monotonic() < self._due:
            return 0
        count = remove_orphans()
        self._due = time.monotonic() + ORPHANS_EVERY
        return count


_one_round = threading.Lock()
_orphans = Orphans()


def tidy(stopping: Callable[[], bool]) -> dict[str, int]:
    """One round, until `stopping()`; returns how many records of each kind went.

    Nothing where a round is under way in this process. Any number of processes may do it at the
    same time, and each may be killed at any moment.
    """
    if not _one_round.acquire(blocking=False):
        return {}
    try:
        removed = _tidy(stopping)
    finally:
        _one_round.release()
    if removed:
        kinds = ", ".join(f"{count} {name}" for name, count in removed.items())
        logger.info("Removed what was older than the settings keep it: %s", kinds)
    for name, count in removed.items():
        RECORDS_REMOVED.add(count, name)
    return removed


def _tidy(stopping: Callable[[], bool]) -> dict[str, int]:
    kinds = [*old_records(), *records_of_others()]
    if settings.RETENTION.tasks is not None:
        kinds.append(ended_tasks(timezone.now() - settings.RETENTION.tasks))
    removed = remove_old(kinds, seconds=SECONDS, stopping=stopping)
    try:
        if not stopping() and (orphans := _orphans.remove()):
            removed["logs without a task"] = orphans
        give_back_space(stopping)
    except (DatabaseError, OSError) as error:
        logger.warning("Tidying up is not finished; the next round goes on: %s", error)
    return removed
