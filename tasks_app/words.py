"""What people tell a task that may be at work: the flag in its row, and a push to its worker.

The flag is the truth; the push makes it seen within milliseconds instead of a second.
"""

from __future__ import annotations

import time

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from tasks_app.choices import LIVE, State
from tasks_app.families import CASCADE, WAITING
from tasks_app.models import Task
from tasks_app.publisher import publisher
from tasks_app.transitions import LET_GO, change

CANCEL, PAUSE = "cancel", "pause"
IDLE = Q(state__in=(State.QUEUED, State.PAUSED))
AT_WORK = Q(state=State.RUNNING)
CASCADE_SECONDS = 1.0
"""So long whoever cancels a large family waits for its children."""


def ask_to_cancel(task_id: int) -> Task | None:
    """Cancel a task that nobody works on at once; ask the worker of a running one.

    A parent's children are told after that, once it is committed. None where the task has ended.
    """
    with transaction.atomic():
        task = change(
            task_id,
            IDLE,
            **LET_GO,
            state=State.CANCELLED,
            finished_at=Now(),
            pause_requested=False,
            error=None,  # of an attempt that was to be followed by another
        ) or _flag(task_id, cancel_requested=True)
        if task is None:
            return None
        if task.state == State.RUNNING:
            _push(task_id, CANCEL)
        transaction.on_commit(lambda: cancel_children(task_id), robust=True)
    return Task.objects.get(pk=task_id)


def cancel_children(parent_id: int) -> None:
    """Cancel live children that have not been told, each in a transaction of its own: nobody who
    writes waits for all of them.

    At most `CASCADE`, and for a second; the reconciler tells the others. None of them begins
    meanwhile, as who claims a task looks at its parent.
    """
    until = time.monotonic() + CASCADE_SECONDS
    children = Task.objects.filter(parent_id=parent_id, state__in=LIVE, cancel_requested=False)
    told = list(children.order_by("pk").values_list("pk", flat=True)[:CASCADE])
    for child_id in told:
        ask_to_cancel(child_id)
        if time.monotonic() > until:
            return


def ask_to_pause(task_id: int) -> Task | None:
    """Pause a queued or waiting task at once; ask the worker of a running one; None otherwise."""
    with transaction.atomic():
        task = change(task_id, Q(state=State.QUEUED) | WAITING, **LET_GO, state=State.PAUSED)
        if task is not None:
            return task
        task = _flag(task_id, pause_requested=True)
        if task is not None:
            _push(task_id, PAUSE)
        return task


def _flag(task_id: int, **flag: bool) -> Task | None:
    """Write a word to a running task. No event: nothing that people see has changed, and the row's
    progress is older than what its worker has sent."""
    if not Task.objects.filter(AT_WORK, pk=task_id).update(**flag):
        return None
    return Task.objects.get(pk=task_id)


def _push(task_id: int, word: str) -> None:
    transaction.on_commit(lambda: publisher().tell_workers({"task": task_id, "word": word}))
