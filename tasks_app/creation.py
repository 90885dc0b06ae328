"""New tasks, one or many of a type in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from audit_app.actors import Actor
from ollamactl.lib.errors import ApplicationError
from tasks_app.choices import State
from tasks_app.clock import database_now
from tasks_app.events import announce_task
from tasks_app.failures import failure
from tasks_app.models import Task
from tasks_app.runners import Runner, runner_of
from tasks_app.sequence import next_seq
from tasks_app.transitions import count_end, settle_together, tell_of_end
from tasks_app.wakeups import wake_on_commit


@dataclass(frozen=True)
class NewTask:
    """What one new task is about.

    With a `refusal` it cannot begin: it has failed already, is counted like any other, and can be
    retried.
    """

    resource_type: str = ""
    resource_id: int | None = None
    resource_name: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    limit_key: str = ""
    refusal: ApplicationError | None = None


def create_tasks(
    *,
    type: str,
    actor: Actor,
    new: Sequence[NewTask],
    parent: Task | None = None,
    priority: int = 0,
    after: int = 0,
) -> list[Task]:
    """Insert tasks in their order, in the caller's transaction; a worker is woken on commit.

    They stand behind the rank `after`. `type` must be registered (LookupError). The runner's
    `settle_all` may refuse those that are queued (`Conflict`).
    """
    runner = _runner(type)
    with transaction.atomic():
        now, first = database_now(), max(next_seq(0), after + 1)
        tasks = Task.objects.bulk_create(
            Task(
                **_about(one, now),
                type=type,
                parent=parent,
                created_by=actor.user,
                origin=actor.origin,
                payload_version=runner.payload_version,
                queue=runner.queue,
                priority=priority,
                rank=first + number,
                seq=next_seq(0),
            )
            for number, one in enumerate(new)
        )
        queued = [task for task in tasks if not task.is_ended]
        settle_together(queued)
        for task in tasks:
            announce_task(task)
        if queued:
            wake_on_commit(queued[0].queue)
        tell_of_end([task for task in tasks if task.is_ended])
    return tasks


@dataclass(frozen=True)
class DonePart:
    """A part of a task that was done together with others, and what came of it (JSON)."""

    resource_type: str
    resource_id: int
    resource_name: str
    result: dict[str, Any]


def create_done_children(*, type: str, parent: Task, parts: Sequence[DonePart]) -> None:
    """Insert children that are done already, in the caller's transaction; `parent` is running.

    So many parts cost little more than one, where tasks of their own would have to be queued,
    claimed and ended one by one.
    """
    runner = _runner(type)
    children = [
        Task(
            type=type,
            resource_type=part.resource_type,
            resource_id=part.resource_id,
            resource_name=part.resource_name[:512],
            parent=parent,
            created_by=parent.created_by,
            origin=parent.origin,
            payload_version=runner.payload_version,
            queue=runner.queue,
            priority=parent.priority,
            rank=next_seq(0),
            attempt=1,
            state=State.SUCCEEDED,
            result=part.result,
            started_at=Now(),
            finished_at=Now(),
            seq=next_seq(0),
        )
        for part in parts
    ]
    for child in Task.objects.bulk_create(children):
        announce_task(child)
        count_end(child)


def _runner(type: str) -> type[Runner]:
    runner = runner_of(type)
    if runner is None:
        raise LookupError(f"no runner is registered for tasks of type {type!r}")
    return runner


def _about(one: NewTask, now: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "resource_type": one.resource_type,
        "resource_id": one.resource_id,
        "resource_name": one.resource_name[:512],
        "payload": dict(one.payload),
        "limit_key": one.limit_key,
    }
    if one.refusal is None:
        return {**fields, "state": State.QUEUED, "enqueued_at": now}
    error = failure(one.refusal.code, one.refusal.detail)
    return {**fields, "state": State.FAILED, "error": error, "finished_at": now}
