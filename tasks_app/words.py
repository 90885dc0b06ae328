"""What people tell a task that may be at work: the flag in its row, and a push to its worker.

The flag is the truth; the push makes it seen within milliseconds instead of a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from ollamactl.lib.pace import Pace
from ollamactl.lib.parameters import these
from tasks_app.choices import LIVE, State
from tasks_app.families import WAITING
from tasks_app.models import Task
from tasks_app.publisher import publisher
from tasks_app.transitions import LET_GO, change, change_together
from tasks_app.wakeups import send_look

CANCEL, PAUSE = "cancel", "pause"
IDLE = Q(state__in=(State.QUEUED, State.PAUSED))
AT_WORK = Q(state=State.RUNNING)
CASCADE_SECONDS = 1.0
"""So long whoever cancels a large family waits for its children."""
# Tasks in one transaction, and the longest that it may hold the database's write lock.
SLICE = 500
FIRST_SLICE = 50
LEAST = 100
SLICE_SECONDS = 0.05


def ask_to_cancel(task_id: int) -> Task | None:
    """Cancel a task that nobody works on at once; ask the worker of a running one.

    A parent's children are told after that, once it is committed. None where the task has ended.
    """
    with transaction.atomic():
        if not _tell_to_end([task_id]):
            return None
        transaction.on_commit(lambda: cancel_children([task_id]), robust=True)
    return Task.objects.get(pk=task_id)


def cancel_children(parents: Sequence[int]) -> None:
    """Cancel live children that have not been told, for `CASCADE_SECONDS`.

    The reconciler is sent for those that are left. None of them begins meanwhile, as who claims a
    task looks at its parent.
    """
    children = Task.objects.filter(
        parent_id__in=these(parents), state__in=LIVE, cancel_requested=False
    )
    ids = list(children.order_by("pk").values_list("pk", flat=True))
    if ids:
        cancel_all(ids, seconds=CASCADE_SECONDS)
        cancel_children(ids)
        if children.exists():
            send_look()


def cancel_all(
    ids: Sequence[int], *, seconds: float, ends: Callable[[], bool] = lambda: False
) -> int:
    """Cancel these, some in a transaction, so that nobody who writes waits for all of them; until
    the time is over, or `ends` says that nobody has time any more. Returns how many were told."""
    until, told, position = time.monotonic() + seconds, 0, 0
    pace = Pace(first=FIRST_SLICE, least=LEAST, most=SLICE, seconds=SLICE_SECONDS)
    while position < len(ids):
        pace.begin()
        some = ids[position : position + pace.size]
        told += _tell_to_end(some)
        position += len(some)
        pace.end(len(some))
        if position >= len(ids) or time.monotonic() > until or ends():
            break
        pace.rest()
    return told


def _tell_to_end(ids: Sequence[int]) -> int:
    """One transaction: what nobody works on is cancelled, the others' workers are asked to."""
    with transaction.atomic():
        ended = change_together(
            ids,
            IDLE,
            **LET_GO,
            state=State.CANCELLED,
            finished_at=Now(),
            pause_requested=False,
            error=None,  # of an attempt that was to be followed by another
        )
        asked = sorted(set(ids) - {task.pk for task in ended})
        at_work = _flag(asked, cancel_requested=True)
        for task_id in at_work:
            _push(task_id, CANCEL)
    return len(ended) + len(at_work)


def ask_to_pause(task_id: int) -> Task | None:
    """Pause a queued or waiting task at once; ask the worker of a running one; None otherwise."""
    with transaction.atomic():
        task = change(task_id, Q(state=State.QUEUED) | WAITING, **LET_GO, state=State.PAUSED)
        if task is not None:
            return task
        if not _flag([task_id], pause_requested=True):
            return None
        _push(task_id, PAUSE)
        return Task.objects.get(pk=task_id)


def _flag(ids: Sequence[int], **flag: bool) -> list[int]:
    """Write a word to running tasks; returns those. No event: nothing that people see has changed,
    and a row's progress is older than what its worker has sent."""
    if not ids:
        return []
    running = Task.objects.filter(AT_WORK, pk__in=these(ids)).select_for_update(of=("self",))
    found = list(running.order_by("pk").values_list("pk", flat=True))
    if found:
        Task.objects.filter(pk__in=these(found)).update(**flag)
    return found


def _push(task_id: int, word: str) -> None:
    transaction.on_commit(lambda: publisher().tell_workers({"task": task_id, "word": word}))
