"""The live topics of tasks."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override

from tasks_app.live import register_topic
from tasks_app.models import Task
from tasks_app.presentation import task_as_json

LISTED = 200
"""Live tasks in the snapshot of the list; pages ask the API for the others."""


def tasks_snapshot(_: int | None) -> dict[str, Any]:
    """`{tasks: [...]}`: the newest live tasks."""
    live = Task.objects.live().order_by("-created_at", "-pk")[:LISTED]
    with override("en"):  # one snapshot for every reader
        return {"tasks": [task_as_json(task) for task in live]}


def task_snapshot(task_id: int | None) -> dict[str, Any] | None:
    """The task itself, or None where there is none."""
    task = Task.objects.filter(pk=task_id).first() if task_id is not None else None
    with override("en"):
        return task_as_json(task) if task is not None else None


def register() -> None:
    """Make them known."""
    permission = "tasks_app.view_task"
    register_topic("tasks", permission=permission, snapshot=tasks_snapshot, takes_id=False)
    register_topic("task", permission=permission, snapshot=task_snapshot, takes_id=True)
