"""Taking the best task that may run now."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from tasks_app.attempt import close_connections
from tasks_app.choices import State
from tasks_app.logs import relative_path
from tasks_app.models import Task
from tasks_app.runners import runner_of
from tasks_app.transitions import claim
from tasks_app.turns import short_transaction

_turns: dict[str, threading.Lock] = {}


def eligible() -> Q:
    """Queued, due, and not stopped by a word, which may have been said to the parent."""
    due = Q(run_after=None) | Q(run_after__lte=Now())
    stopped = Q(cancel_requested=True) | Q(halted=True)
    parent = Task.objects.filter(stopped, pk=OuterRef("parent_id"))
    return (
        due
        & Q(state=State.QUEUED, cancel_requested=False, pause_requested=False)
        & ~Q(Exists(parent))
    )


def claim_next(queue: str, *, owner: str) -> tuple[Task | None, bool]:
    """Claim the first by priority and age whose `limit_key` has room.

    Returns the task, running and leased to `owner`, or None; and whether the queue holds more that
    may run now.
    """
    full: set[str] = set()
    while candidate := _waiting(queue, full).first():
        claimed = _claim(candidate, _waiting(queue, full), owner)
        if claimed is not None and claimed.state == State.RUNNING:
            return claimed, _waiting(queue, full).exists()
        if candidate.limit_key and not _has_room(candidate):
            full.add(candidate.limit_key)
    return None, False


def _waiting(queue: str, full: Collection[str]) -> QuerySet[Task]:
    waiting = Task.objects.filter(eligible(), queue=queue)
    if full:
        waiting = waiting.exclude(limit_key__in=full)
    return waiting.order_by("-priority", "created_at", "pk")


def _claim(candidate: Task, waiting: QuerySet[Task], owner: str) -> Task | None:
    """One conditional UPDATE; None where another worker was first or there is no room."""
    key = candidate.limit_key
    if not key:
        return _take(candidate, owner)
    if not _has_room(candidate):  # a look without a lock: most are turned away here
        return None
    with _turn(key) as waited:
        if waited:  # and who was before has most likely taken that one
            fresh = waiting.filter(limit_key=key).first()
            if fresh is None or not _has_room(fresh):
                return None
            candidate = fresh
        with short_transaction():
            _lock_key(key)
            return _take(candidate, owner) if _has_room(candidate) else None


def _take(candidate: Task, owner: str) -> Task | None:
    return claim(candidate, eligible(), owner=owner, log_path=relative_path(candidate.pk))


def _has_room(task: Task) -> bool:
    runner = runner_of(task.type)
    limit = runner.limit(task.limit_key) if runner else None
    if limit is None:
        return True
    return Task.objects.filter(limit_key=task.limit_key, state=State.RUNNING).count() < limit


@contextmanager
def _turn(limit_key: str) -> Iterator[bool]:
    """One thread of this process at a time asks the database for the lock of a key; yields whether
    this one had to wait for that.

    Else those that wait for the lock would hold all connections of the pool. (SQLite's writers
    queue by themselves and have no pool.)
    """
    if connection.vendor == "sqlite":
        yield False
        return
    turn = _turns.setdefault(limit_key, threading.Lock())
    waited = not turn.acquire(blocking=False)
    if waited:
        close_connections()
        turn.acquire()
    try:
        yield waited
    finally:
        turn.release()


def _lock_key(limit_key: str) -> None:
    """Let one worker at a time count; SQLite's write transactions are alone already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            number = zlib.crc32(limit_key.encode())
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [1, number - 2**31])
