"""The order of what waits: where a task stands, and what people may change about that."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit_app.actors import Actor
from audit_app.services import record_action
from ollamactl.lib.errors import Conflict, InvalidInput
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.querysets import IN_ORDER, TaskQuerySet
from tasks_app.transitions import change
from tasks_app.wakeups import wake_on_commit

MOVE = "tasks_app.move_task"
MOVES = ("first", "up", "down", "last")
PRIORITIES = (-100, 100)
WAITS = Q(state=State.QUEUED, cancel_requested=False)

Place = tuple[int, int]
"""Priority and rank."""


def move_task(*, actor: Actor, task: Task, to: str) -> Task:
    """Move a waiting task within its queue: to the `first` or `last` place, or one `up` or `down`.

    Raises `InvalidInput` (attr `to`), `Conflict` (code `not_waiting`), `NotPermitted`.
    """
    actor.require(MOVE)
    if to not in MOVES:
        raise InvalidInput(
            _("A task can be moved to one of: first, up, down, last."), code="invalid", attr="to"
        )
    with transaction.atomic():
        here = _locked(task)
        for moved, place in _exchange(here, to):
            _put(moved, place)
        _record(actor, "task.move", here, {"to": to})
        wake_on_commit(here.queue)
    return Task.objects.get(pk=task.pk)


def prioritize_task(*, actor: Actor, task: Task, priority: int) -> Task:
    """Give a waiting task another priority; higher ones begin before all lower ones.

    Raises `InvalidInput` (attr `priority`), `Conflict` (code `not_waiting`), `NotPermitted`.
    """
    actor.require(MOVE)
    least, most = PRIORITIES
    if not least <= priority <= most:
        raise InvalidInput(
            _("A priority is a whole number from -100 to 100."), code="invalid", attr="priority"
        )
    with transaction.atomic():
        here = _locked(task)
        _put(here, (priority, here.rank))
        _record(actor, "task.prioritize", here, {"priority": priority})
        wake_on_commit(here.queue)
    return Task.objects.get(pk=task.pk)


def before(task: Task) -> Q:
    """The tasks that stand before this one."""
    return (
        Q(priority__gt=task.priority)
        | Q(priority=task.priority, rank__lt=task.rank)
        | Q(priority=task.priority, rank=task.rank, pk__lt=task.pk)
    )


def _locked(task: Task) -> Task:
    row = Task.objects.select_for_update().filter(WAITS, pk=task.pk).first()
    if row is None:
        raise Conflict(
            _("Only a task that waits in the queue has a place there."), code="not_waiting"
        )
    return row


def _exchange(task: Task, to: str) -> list[tuple[Task, Place]]:
    """Who gets which place; nobody where the task stands there already."""
    others = Task.objects.filter(WAITS, queue=task.queue).exclude(pk=task.pk)
    ahead = to in ("first", "up")
    passed = _passed(others, task, to)
    if passed is None:
        return []
    beside = (passed.priority, passed.rank + (-1 if ahead else 1))
    own = (task.priority, task.rank)
    if to in ("first", "last") or own == (passed.priority, passed.rank):
        return [(task, beside)]
    return [(task, (passed.priority, passed.rank)), (passed, own)]


def _passed(others: TaskQuerySet, task: Task, to: str) -> Task | None:
    """The task that this one passes by, or the last of those."""
    backwards = ("priority", "-rank", "-pk")
    if to in ("first", "up"):
        passed = others.filter(before(task))
        return passed.order_by(*(IN_ORDER if to == "first" else backwards)).first()
    passed = others.exclude(before(task))
    return passed.order_by(*(backwards if to == "last" else IN_ORDER)).first()


def _put(task: Task, place: Place) -> None:
    priority, rank = place
    change(task.pk, WAITS, priority=priority, rank=rank)


def _record(actor: Actor, verb: str, task: Task, data: dict[str, object]) -> None:
    record_action(
        actor=actor,
        verb=verb,
        resource_type="task",
        resource_id=task.pk,
        resource_name=str(task),
        data={"type": task.type, **data},
    )
