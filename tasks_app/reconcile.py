"""Setting right what crashes leave behind: lost leases, lost messages, unfinished cancels.

Runs every few seconds and when a worker starts. Idempotent: any number of processes may do it at
the same time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from tasks_app.choices import ENDED, LIVE, State
from tasks_app.claim import eligible
from tasks_app.clock import LEASE, ClockWatch, database_now, from_now
from tasks_app.failures import WORKER_LOST, failure
from tasks_app.families import CASCADE, WAITING, count_children
from tasks_app.figures import LEASES_LOST
from tasks_app.models import Task
from tasks_app.owners import Owner
from tasks_app.runners import longest_backoff
from tasks_app.transitions import LET_GO, change_surely, held, one_less
from tasks_app.wakeups import send_wake
from tasks_app.words import cancel_all

LOSSES = 3
"""The loss in a row at which a task is given up."""
WELL = timedelta(minutes=10)
"""Who was at work for so long was not killed by the task: the next loss is the first again."""
UNHEARD = timedelta(seconds=15)
"""After this time without a worker a wake-up is taken for lost."""
LONGEST = 30.0
"""Seconds that one look cancels the children of large families; the next one goes on."""
MOST = 1000
"""Tasks to cancel that are read at a time: what has been told to go on since is left alone."""
UNSAVED = 1000
"""More versions than a worker sends of one task between two of its writes to the row."""

clock = ClockWatch()
_cancelling = threading.Lock()


def reconcile(owner: Owner, *, ends: Callable[[], bool] = lambda: False) -> int:
    """One look at all rows, by the process `owner`. Returns how many were set right.

    `ends`: whether the process is about to end, for what may take long.
    """
    count = take_back_lost(owner)
    count += finish_cancels(ends)
    count += finish_parents()
    count += bring_forward()
    return count + send_again()


def take_back_lost(owner: Owner) -> int:
    """Give the tasks of expired leases and of dead processes back to the queue.

    A lease that ends later than any that is given was written before the clock was put back. Just
    after a jump of the clock leases say nothing: the living renew theirs first.
    """
    running = Task.objects.filter(state=State.RUNNING, lease_until__isnull=False)
    owners = set(running.order_by().values_list("owner", flat=True).distinct())
    dead = {name for name in owners if owner.is_dead(name)}
    lost = Q(owner__in=dead)
    if clock.is_steady():
        lost |= Q(lease_until__lt=Now()) | Q(lease_until__gt=from_now(2 * LEASE))
    count = 0
    for task in running.filter(lost).order_by("pk"):
        count += _lose(task, held(task) & lost) is not None
    LEASES_LOST.add(count)
    owner.forget_dead(set(running.order_by().values_list("owner", flat=True).distinct()))
    return count


def _lose(task: Task, condition: Q) -> Task | None:
    losses = 1 if _went_well(task) else task.lost_count + 1
    fields = {**LET_GO, "lost_count": losses, "epoch": F("epoch") + 1}
    if task.cancel_requested:
        fields |= {"state": State.CANCELLED, "finished_at": Now(), "error": None}
    elif losses >= LOSSES:
        error = failure("worker_lost", WORKER_LOST, retryable=True)
        fields |= {"state": State.FAILED, "error": error, "finished_at": Now()}
    elif task.pause_requested:
        fields |= {"state": State.PAUSED, "pause_requested": False, "attempt": one_less()}
    else:
        fields |= {
            "state": State.QUEUED,
            "enqueued_at": None,
            "attempt": one_less(),
            "interrupted_at": Now(),
        }
    # What the worker has sent last may not be in the row, and a clock that was put back is no help.
    return change_surely(task, condition, floor=task.seq + UNSAVED, **fields)


def _went_well(task: Task) -> bool:
    return task.started_at is not None and task.started_at < database_now() - WELL


def finish_cancels(ends: Callable[[], bool] = lambda: False) -> int:
    """Cancel what was told to and what outlived its cancelled parent.

    One look of a process at a time: while it is at a large family, the next ones see to all else.
    """
    if not _cancelling.acquire(blocking=False):
        return 0
    try:
        return _finish_cancels(ends)
    finally:
        _cancelling.release()


def _finish_cancels(ends: Callable[[], bool]) -> int:
    told = Q(state=State.QUEUED, cancel_requested=True)
    orphan = Q(state__in=LIVE, cancel_requested=False) & (
        Q(parent__cancel_requested=True) | Q(parent__state__in=(State.CANCELLED, State.FAILED))
    )
    unbegun = Q(state__in=(State.QUEUED, State.PAUSED), parent__halted=True)
    found = Task.objects.filter(told | orphan | unbegun).order_by("pk").values_list("pk", flat=True)
    until, count = time.monotonic() + LONGEST, 0
    while True:
        some = list(found[:MOST])
        done = cancel_all(some, seconds=until - time.monotonic(), ends=ends)
        count += done
        if len(some) < MOST or not done or ends() or time.monotonic() > until:
            return count


def finish_parents() -> int:
    """End the waiting parents whose last child has ended."""
    live = Task.objects.filter(parent=OuterRef("pk")).exclude(state__in=ENDED)
    idle = Task.objects.filter(WAITING).exclude(Exists(live)).order_by("pk")
    return sum(
        count_children(task_id) is not None
        for task_id in list(idle.values_list("pk", flat=True)[:CASCADE])
    )


def bring_forward() -> int:
    """Let what waits longer than any backoff go on: the clock was put back while it waited."""
    late = Task.objects.filter(state=State.QUEUED, run_after__gt=from_now(2 * longest_backoff()))
    return late.update(run_after=Now())


def send_again() -> int:
    """Wake the queues with tasks that nobody seems to have been woken for. One wake-up each: it
    calls for more while there is work."""
    unheard = (
        Q(enqueued_at=None)
        | Q(enqueued_at__lt=from_now(-UNHEARD))
        | Q(enqueued_at__gt=from_now(UNHEARD))  # by a clock that was put back since
    )
    overdue = Q(run_after__isnull=False) & Q(enqueued_at__lt=F("run_after"))
    waiting = Task.objects.filter(eligible() & (unheard | overdue)).order_by()
    queues = set(waiting.values_list("queue", flat=True).distinct())
    count = 0
    for queue in queues:
        if waiting.filter(queue=queue).update(enqueued_at=Now()):
            send_wake(queue)
            count += 1
    return count
