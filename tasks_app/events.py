"""The live events of tasks, built in one place. Everybody gets the same: sentences are English."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override

from tasks_app.live import publish
from tasks_app.models import Task
from tasks_app.presentation import error_as_json
from tasks_app.progress import Progress, progress_of
from tasks_app.publisher import Event
from tasks_app.runners import runner_of


def topics_of(task: Task) -> tuple[str, ...]:
    """Where a task's events go: `tasks`, `task:<id>`, and what its runner adds."""
    runner = runner_of(task.type)
    return ("tasks", f"task:{task.pk}", *(runner.topics(task) if runner else ()))


def announce_task(task: Task, *, notice: bool = True) -> None:
    """Publish `task.changed` on commit. The row must have been read after its change.

    Without `notice` its maker is not told of its end: they were.
    """
    with override("en"):
        error = error_as_json(task)
    data: dict[str, Any] = {
        "id": task.pk,
        "state": task.state,
        "type": task.type,
        "resource_type": task.resource_type,
        "resource_id": task.resource_id,
        "resource_name": task.resource_name,
        "parent": task.parent_id,
        "error": error,
        "progress": progress_of(task),
    }
    publish(
        "task.changed",
        subject=f"task:{task.pk}",
        seq=task.seq,
        data=data,
        topics=topics_of(task),
    )
    runner = runner_of(task.type)
    is_noticed = notice and (runner is None or runner.notifies)
    if is_noticed and task.is_ended and task.parent_id is None and task.created_by_id is not None:
        _tell_its_maker(task)


def _tell_its_maker(task: Task) -> None:
    """Publish `notice` to whoever asked for the task; pages fetch the sentence themselves."""
    subject = f"user:{task.created_by_id}"
    data = {"task": task.pk, "state": task.state, "resource_name": task.resource_name}
    publish("notice", subject=subject, seq=task.seq, data=data, topics=[subject])


def task_progress(task: Task, *, seq: int, progress: Progress, topics: tuple[str, ...]) -> Event:
    """`task.progress` of a running task, from memory."""
    data = {
        **progress.as_json(),
        "id": task.pk,
        "state": task.state,
        "resource_type": task.resource_type,
        "resource_id": task.resource_id,
    }
    return Event("task.progress", f"task:{task.pk}", seq, data, topics)


def task_log(task: Task, *, seq: int, offset: int, text: str) -> Event:
    """`task.log`: some lines of the log; `offset` is where they begin in it, in bytes."""
    topic = f"task:{task.pk}"
    data = {"id": task.pk, "offset": offset, "text": text}
    return Event("task.log", topic, seq, data, (topic,))
