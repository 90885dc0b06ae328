"""Taking the best task that may run now."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from ollamactl.lib.connections import close_connections
from ollamactl.lib.turns import writing_turn
from tasks_app.choices import State
from tasks_app.logs import relative_path
from tasks_app.models import Task
from tasks_app.querysets import IN_ORDER
from tasks_app.runners import runner_of
from tasks_app.transitions import claim

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
    """Claim the first, in the order of the queue, for which there is room.

    Returns the task, running and leased to `owner`, or None; and whether the queue holds more that
    may run now.
    """
    full = Q()
    while True:
        with writing_turn():
            candidate = _waiting(queue, full).first()
            if candidate is None:
                return None, False
            claimed = _claim(candidate, _waiting(queue, full), owner)
        if claimed is not None and claimed.state == State.RUNNING:
            return claimed, _waiting(queue, full).exists()
        if behind := no_room(candidate):
            full |= behind


def no_room(task: Task) -> Q | None:
    """The tasks that cannot begin now for the same reason as this one; None where it can."""
    runner = runner_of(task.type)
    if runner is None:
        return None
    running = Task.objects.filter(state=State.RUNNING).order_by()
    overall = runner.overall_limit()
    if overall is not None and running.filter(type=task.type).count() >= overall:
        return Q(type=task.type)
    limit = runner.limit(task.limit_key) if task.limit_key else None
    if limit is not None and running.filter(limit_key=task.limit_key).count() >= limit:
        return Q(limit_key__in={task.limit_key, *_full_keys(task, running)})
    return None


def _full_keys(task: Task, running: QuerySet[Task]) -> list[str]:
    """All keys of this kind under which there is no room, so that many full servers cost one look.

    A kind is what stands before a key's last colon; one limit holds for each of its keys.
    """
    kind = task.limit_key.rpartition(":")[0]
    rows = running.filter(limit_key__startswith=f"{kind}:").values("limit_key")
    counts = {str(row["limit_key"]): int(row["n"]) for row in rows.annotate(n=Count("pk"))}
    runner = runner_of(task.type)
    limits = runner.limits(counts) if runner is not None else {}
    return [key for key, limit in limits.items() if limit is not None and counts[key] >= limit]


def _waiting(queue: str, full: Q) -> QuerySet[Task]:
    waiting = Task.objects.filter(eligible(), queue=queue)
    if full:
        waiting = waiting.exclude(full)
    return waiting.order_by(*IN_ORDER)


def _claim(candidate: Task, waiting: QuerySet[Task], owner: str) -> Task | None:
    """One conditional UPDATE; None where another worker was first or there is no room."""
    locks = _locks_of(candidate)
    if not locks:
        return _take(candidate, owner)
    if no_room(candidate):  # a look without a lock: most are turned away here
        return None
    with _turn(locks[-1]) as waited:
        if waited:  # and who was before has most likely taken that one
            fresh = waiting.filter(type=candidate.type, limit_key=candidate.limit_key).first()
            if fresh is None or no_room(fresh):
                return None
            candidate = fresh
        with transaction.atomic():
            for name in locks:
                _lock(name)
            return None if no_room(candidate) else _take(candidate, owner)


def _locks_of(task: Task) -> list[str]:
    """What is counted before the task may begin, in the order in which everybody locks it."""
    runner = runner_of(task.type)
    names = [task.limit_key] if task.limit_key else []
    if runner is not None and runner.overall_limit() is not None:
        names.append(f"type:{task.type}")
    return names


def _take(candidate: Task, owner: str) -> Task | None:
    return claim(candidate, eligible(), owner=owner, log_path=relative_path(candidate.pk))


@contextmanager
def _turn(name: str) -> Iterator[bool]:
    """One thread of this process at a time asks the database for a lock; yields whether this one
    had to wait for that.

    Else those that wait for the lock would hold all connections of the pool. (SQLite's writers
    queue by themselves and have no pool.)
    """
    if connection.vendor == "sqlite":
        yield False
        return
    turn = _turns.setdefault(name, threading.Lock())
    waited = not turn.acquire(blocking=False)
    if waited:
        close_connections()
        turn.acquire()
    try:
        yield waited
    finally:
        turn.release()


def _lock(name: str) -> None:
    """Let one worker at a time count; SQLite's write transactions are alone already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            number = zlib.crc32(name.encode())
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [1, number - 2**31])
