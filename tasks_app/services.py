"""Creating tasks, and what people may tell them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit_app.actors import Actor
from audit_app.services import record_action
from ollamactl.lib.errors import ApplicationError, Conflict
from ollamactl.lib.pace import Pace
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import State
from tasks_app.creation import NewTask, create_tasks
from tasks_app.families import CASCADE, UNFINISHED, count_children, without_counts
from tasks_app.models import Task
from tasks_app.runners import runner_of
from tasks_app.transitions import change, change_together
from tasks_app.wakeups import wake_on_commit
from tasks_app.words import (
    FIRST_SLICE,
    LEAST,
    SLICE,
    SLICE_SECONDS,
    ask_to_cancel,
    ask_to_pause,
)

CANCEL = "tasks_app.cancel_task"
RETRY = "tasks_app.retry_task"
ROLL_BACK = "tasks_app.rollback_task"

_AGAIN: dict[str, Any] = {
    "state": State.QUEUED,
    "run_after": None,
    "enqueued_at": Now(),
    "cancel_requested": False,
    "pause_requested": False,
    "halted": False,
    "interrupted_at": None,
    "error": None,
}
_ANEW: dict[str, Any] = {
    **_AGAIN,
    "attempt": 0,
    "lost_count": 0,
    "result": None,
    "done": None,
    "total": None,
    "rate": None,
    "phase": "",
    "finished_at": None,
}


def create_task(
    *,
    type: str,
    actor: Actor,
    resource_type: str = "",
    resource_id: int | None = None,
    resource_name: str = "",
    parent: Task | None = None,
    payload: dict[str, Any] | None = None,
    priority: int = 0,
    limit_key: str = "",
) -> Task:
    """Insert a queued task in the caller's transaction; a worker is woken on commit.

    `type` must be registered (LookupError). The runner's `settle` may refuse it (`Conflict`).
    """
    about = NewTask(resource_type, resource_id, resource_name, payload or {}, limit_key)
    [task] = create_tasks(type=type, actor=actor, new=[about], parent=parent, priority=priority)
    return task


def cancel_task(*, actor: Actor, task: Task) -> Task:
    """Cancel a live task and its live children; the runner sees it within milliseconds.

    Raises `NotPermitted`, and `Conflict` (code `ended`) for a task that has ended.
    """
    actor.require(CANCEL)
    with transaction.atomic():
        told = ask_to_cancel(task.pk)
        if told is None:
            raise _ended(task)
        _record(actor, "task.cancel", told)
    return Task.objects.get(pk=task.pk)  # its children have been told by now, and may end it


def pause_task(*, actor: Actor, task: Task) -> Task:
    """Pause a task: it gives its worker back and goes on later from where it was.

    Raises `NotPermitted`, and `Conflict` where this type cannot pause or the task has ended.
    """
    actor.require(CANCEL)
    runner = runner_of(task.type)
    if runner is None or not runner.pausable:
        raise Conflict(_("This kind of task cannot be paused. Cancel it instead."), code="no_pause")
    with transaction.atomic():
        told = ask_to_pause(task.pk)
        if told is None:
            if Task.objects.filter(pk=task.pk, state=State.PAUSED).exists():
                raise Conflict(_("This task is paused already."), code="paused")
            raise _ended(task)
        _record(actor, "task.pause", told)
    return told


def resume_task(*, actor: Actor, task: Task) -> Task:
    """Put a paused task back in the queue. Raises `NotPermitted`, `Conflict` for any other."""
    actor.require(RETRY)
    with transaction.atomic():
        told = queue_paused(task.pk)
        if told is None:
            raise Conflict(_("Only a paused task can be resumed."), code="not_paused")
        _record(actor, "task.resume", told)
    return told


def retry_task(*, actor: Actor, task: Task) -> Task:
    """Put a failed or cancelled task back in the queue, with its children that did not succeed.

    Raises `NotPermitted`, `Conflict` for a task in another state, and what the runner's `settle`
    raises where the resource is gone or busy.
    """
    actor.require(RETRY)
    runner = runner_of(task.type)
    if runner is not None and runner.permission:
        actor.require(runner.permission)
    with transaction.atomic():
        told = queue_again(task.pk)
        if told is None:
            raise Conflict(
                _("Only a task that failed or was cancelled can be retried."), code="not_ended"
            )
        _record(actor, "task.retry", told)
        if runner is not None:
            runner.retried(told)
        _reopen_parent(told)
        _retry_children(told)
    return told


def roll_back_task(*, actor: Actor, task: Task) -> Task:
    """Undo what an ended task has done, by a new task of its own.

    Raises `NotPermitted`, `Conflict` where there is nothing to undo or nobody can.
    """
    actor.require(ROLL_BACK)
    runner = runner_of(task.type)
    if runner is None or not runner.offers_rollback(task):
        raise Conflict(_("There is nothing here that can be rolled back."), code="no_rollback")
    with transaction.atomic():
        begun = runner.roll_back(task, actor)
        _record(actor, "task.rollback", task)
    return begun


def queue_again(task_id: int) -> Task | None:
    """failed or cancelled -> queued; None for any other. May raise what `settle` refuses with."""
    told = change(task_id, UNFINISHED, **_ANEW)
    if told is not None:
        wake_on_commit(told.queue)
    return told


def queue_all_again(
    ids: Sequence[int],
    *,
    refused: Callable[[int, ApplicationError], None],
    check: Callable[[], None] = lambda: None,
) -> None:
    """`queue_again` for many, some in a transaction; `refused` hears of each that stays as it is.

    `check` is called between two transactions, to end it by what it raises.
    """
    pace = Pace(first=FIRST_SLICE, least=LEAST, most=SLICE, seconds=SLICE_SECONDS)
    position = 0
    while position < len(ids):
        check()
        some = ids[position : position + pace.size]
        pace.begin()
        _queue_some_again(some, refused)
        pace.end(len(some))
        position += len(some)
        if position < len(ids):
            pace.rest()


def _queue_some_again(ids: Sequence[int], refused: Callable[[int, ApplicationError], None]) -> None:
    """All together; one by one where the resource of any refuses."""
    try:
        with transaction.atomic():
            for queue in {task.queue for task in change_together(ids, UNFINISHED, **_ANEW)}:
                wake_on_commit(queue)
    except ApplicationError:
        for task_id in ids:
            try:
                queue_again(task_id)
            except ApplicationError as refusal:
                refused(task_id, refusal)


def queue_paused(task_id: int) -> Task | None:
    """paused -> queued; None for any other. May raise what `settle` refuses with."""
    told = change(task_id, Q(state=State.PAUSED), **_AGAIN)
    if told is not None:
        wake_on_commit(told.queue)
    return told


def _retry_children(parent: Task) -> None:
    """Those that can; one whose resource refuses stays as it ended, and is counted so.

    No more than one transaction may take: the runner of a larger family does the rest as it works.
    """
    failed = Task.objects.filter(parent=parent, state__in=(State.FAILED, State.CANCELLED))
    some = list(failed.order_by("pk").values_list("pk", flat=True)[:CASCADE])
    _queue_some_again(some, lambda _task_id, _refusal: None)


def _reopen_parent(child: Task) -> None:
    """A parent that has ended waits again, for the child that is retried.

    What it did not come to do stays said: with this child alone it is not done.
    """
    while child.parent_id is not None:
        ended = Task.objects.select_for_update().filter(UNFINISHED, pk=child.parent_id).first()
        if ended is None:  # it waits already, or works itself
            count_children(child.parent_id)
            return
        waits = {"state": State.RUNNING, "owner": "", "lease_until": None}
        said = {"result": without_counts(ended.result)}
        parent = change(ended.pk, UNFINISHED, **{**_ANEW, **waits, **said})
        if parent is None:
            return
        child = count_children(parent.pk) or parent


def _ended(task: Task) -> Conflict:
    task.refresh_from_db(fields=["state"])
    state = State(task.state)
    return Conflict(
        Sentence(_("This task has ended already: it is {state}."), state=Sentence(state.label)),
        code="ended",
    )


def _record(actor: Actor, verb: str, task: Task) -> None:
    record_action(
        actor=actor,
        verb=verb,
        resource_type="task",
        resource_id=task.pk,
        resource_name=str(task),
        data={"type": task.type},
    )
