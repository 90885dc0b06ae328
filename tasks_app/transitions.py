"""Every change of a task's state.

Each is one conditional UPDATE, then the runner's `settle` and the event, in one short transaction:
the row, its resource and what people are told cannot disagree. A worker's writes are fenced by
`id, epoch, state = running`; `None` means that somebody else has the task by now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Case, DateTimeField, F, Q, When
from django.db.models.functions import Greatest, Now

from ollamactl.lib.errors import ApplicationError
from ollamactl.lib.parameters import these
from tasks_app.choices import ENDED, State
from tasks_app.clock import LEASE, from_now, raised_seq
from tasks_app.events import announce_task
from tasks_app.failures import INTERNAL, failure
from tasks_app.figures import TASKS_ENDED
from tasks_app.models import Task
from tasks_app.progress import Progress
from tasks_app.runners import runner_of

logger = logging.getLogger(__name__)

LET_GO: dict[str, Any] = {"owner": "", "lease_until": None, "rate": None}
Ended = Callable[[Sequence[Task]], None]
_after_end: list[Ended] = []


def after_end(hook: Ended) -> Ended:
    """Call `hook` with the tasks that end in a transaction, inside it (a decorator)."""
    _after_end.append(hook)
    return hook


def held(task: Task) -> Q:
    """The fence: the row as this worker claimed it."""
    return Q(epoch=task.epoch, state=State.RUNNING)


def change(task_id: int, condition: Q, *, floor: int = 0, **fields: Any) -> Task | None:
    """Change one row if the condition holds; None where it does not.

    `floor` is the highest `seq` that was sent for this row from memory.
    """
    with transaction.atomic():
        if fields.get("state") in ENDED:
            _lock_parents([task_id])
        if not _update(task_id, condition, floor, fields):
            return None
        task = Task.objects.get(pk=task_id)
        _follow([task])
        return task


def change_together(ids: Sequence[int], condition: Q, **fields: Any) -> list[Task]:
    """`change` for several rows in a few statements; returns those for which the condition held.

    Where the resource of one refuses the new state none is changed.
    """
    with transaction.atomic():
        if fields.get("state") in ENDED:
            _lock_parents(ids)
        found = Task.objects.select_for_update(of=("self",)).filter(condition, pk__in=these(ids))
        changed = list(found.order_by("pk").values_list("pk", flat=True))
        rows = Task.objects.filter(pk__in=these(changed))
        if not changed or not rows.update(seq=raised_seq(), **fields):
            return []
        tasks = list(rows.order_by("pk"))
        _follow(tasks)
        return tasks


def _follow(tasks: Sequence[Task]) -> None:
    """What follows from the new state of rows that were read after their change."""
    settle_together(tasks)
    for task in tasks:
        announce_task(task)
    tell_of_end([task for task in tasks if task.is_ended])


def tell_of_end(tasks: Sequence[Task]) -> None:
    """Count ends, and call what wants to know of them, in the transaction that has written them."""
    if not tasks:
        return
    for task in tasks:
        count_end(task)
    for hook in _after_end:
        hook(tasks)


def settle_together(tasks: Sequence[Task]) -> None:
    """Bring the resources in line with the tasks' states."""
    by_type: dict[str, list[Task]] = {}
    for task in tasks:
        by_type.setdefault(task.type, []).append(task)
    for task_type, those in by_type.items():
        runner = runner_of(task_type)
        if runner is not None:
            runner.settle_all(those)


def change_surely(task: Task, condition: Q, *, floor: int = 0, **fields: Any) -> Task | None:
    """A change that always comes to an end.

    Where the resource refuses the new state (it is gone, or busy with another task), the task
    fails with what it said; where even that breaks, the task's row alone is ended.
    """
    try:
        return change(task.pk, condition, floor=floor, **fields)
    except ApplicationError as refusal:
        error = failure(refusal.code, refusal.detail)
    except (TypeError, ValueError, LookupError, AttributeError, AssertionError, IntegrityError):
        logger.exception("Task %s (%s) could not be settled", task.pk, task.type)
        error = failure("internal", INTERNAL)
    ended = {**LET_GO, "state": State.FAILED, "error": error, "finished_at": Now()}
    try:
        return change(task.pk, condition, floor=floor, **ended)
    except Exception:
        logger.exception("Task %s (%s) ends without its resource", task.pk, task.type)
        return _end_row(task, condition, floor, ended)


def claim(task: Task, condition: Q, *, owner: str, log_path: str) -> Task | None:
    """queued -> running, with a lease for `owner`. An attempt begins.

    The task that comes back has failed where its resource refuses.
    """
    return change_surely(
        task,
        condition,
        state=State.RUNNING,
        epoch=F("epoch") + 1,
        attempt=F("attempt") + 1,
        owner=owner,
        lease_until=from_now(LEASE),
        started_at=Now(),
        finished_at=None,
        error=None,
        log_path=log_path,
        interrupted_at=None,
        resumed_at=Case(
            When(interrupted_at__isnull=False, then=Now()),
            default=F("resumed_at"),
            output_field=DateTimeField(),
        ),
    )


def succeed(task: Task, result: dict[str, Any] | None, *, floor: int = 0) -> Task | None:
    """running -> succeeded."""
    return change_surely(
        task,
        held(task),
        floor=floor,
        **LET_GO,
        state=State.SUCCEEDED,
        result=result,
        error=None,
        finished_at=Now(),
    )


def fail(task: Task, error: dict[str, Any], *, floor: int = 0) -> Task | None:
    """running -> failed."""
    return change_surely(
        task, held(task), floor=floor, **LET_GO, state=State.FAILED, error=error, finished_at=Now()
    )


def retry_later(
    task: Task, error: dict[str, Any], delay: timedelta, *, floor: int = 0
) -> Task | None:
    """running -> queued, not before `delay` has passed; the error stays to be seen until then."""
    return change_surely(
        task,
        held(task),
        floor=floor,
        **LET_GO,
        state=State.QUEUED,
        error=error,
        run_after=from_now(delay),
        enqueued_at=Now(),
    )


def release(task: Task, *, floor: int = 0) -> Task | None:
    """running -> queued, as if this attempt had not begun."""
    return change_surely(
        task,
        held(task),
        floor=floor,
        **LET_GO,
        state=State.QUEUED,
        attempt=one_less(),
        run_after=None,
        enqueued_at=None,
        interrupted_at=Now(),
    )


def pause(task: Task, *, error: dict[str, Any] | None = None, floor: int = 0) -> Task | None:
    """running -> paused; the attempt does not count. `error`: why, where nobody asked for it."""
    return change_surely(
        task,
        held(task),
        floor=floor,
        **LET_GO,
        state=State.PAUSED,
        attempt=one_less(),
        pause_requested=False,
        error=error,
    )


def cancel(task: Task, *, floor: int = 0) -> Task | None:
    """running -> cancelled."""
    return change_surely(
        task,
        held(task),
        floor=floor,
        **LET_GO,
        state=State.CANCELLED,
        finished_at=Now(),
        pause_requested=False,
    )


def one_less() -> Greatest:
    """An attempt that does not count."""
    return Greatest(F("attempt") - 1, 0)


def save_progress(task: Task, progress: Progress, seq: int) -> bool:
    """Write how far a running task is; False where somebody else has it by now. No event."""
    changed = Task.objects.filter(held(task), pk=task.pk).update(
        done=progress.done,
        total=progress.total,
        unit=progress.unit,
        rate=progress.rate,
        phase=progress.phase[:64],
        seq=Greatest(F("seq"), seq),
    )
    return changed == 1


def _lock_parents(ids: Sequence[int]) -> None:
    """A child's end is counted in its parent's row, and who cancels a parent goes on to its
    children: both lock the parent first, so that neither waits for the other for ever. Where there
    are no locks of rows (SQLite) writers are alone already."""
    if connection.features.has_select_for_update:
        children = Task.objects.filter(pk__in=these(ids)).order_by()
        parents = Task.objects.select_for_update(of=("self",)).filter(
            pk__in=children.exclude(parent=None).values("parent_id")
        )
        list(parents.order_by("pk").values_list("pk", flat=True))


def _update(task_id: int, condition: Q, floor: int, fields: dict[str, Any]) -> int:
    return Task.objects.filter(condition, pk=task_id).update(seq=raised_seq(floor), **fields)


def _end_row(task: Task, condition: Q, floor: int, fields: dict[str, Any]) -> Task | None:
    with transaction.atomic():
        if not _update(task.pk, condition, floor, fields):
            return None
        ended = Task.objects.get(pk=task.pk)
        announce_task(ended)
        count_end(ended)
        return ended


def count_end(task: Task) -> None:
    """Count an end in the figures, once it is committed."""
    transaction.on_commit(lambda: TASKS_ENDED.add(1, task.type, task.state))
