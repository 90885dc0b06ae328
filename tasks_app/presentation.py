"""A task as the interface shows it, from nothing but its row."""

from __future__ import annotations

from typing import Any

from ollamactl.lib.moments import moment_or_null
from ollamactl.lib.sentences import from_stored
from tasks_app.logs import log_file_exist
from tasks_app.models import Task
from tasks_app.progress import progress_of


def error_as_json(task: Task) -> dict[str, Any] | None:
    """`{code, detail, retryable}` in the reader's language, or None."""
    if not task.error:
        return None
    return {
        "code": str(task.error.get("code", "failed")),
        "detail": str(from_stored(str(task.error.get("detail", "")))),
        "retryable": bool(task.error.get("retryable")),
    }


def task_as_json(task: Task) -> dict[str, Any]:
    """The task as `GET tasks/{id}/` gives it, without who made it and with the row's `seq`."""
    written = task_in_api(task)
    del written["created_by"]
    return {**written, "seq": task.seq}


def task_in_api(task: Task) -> dict[str, Any]:
    """The task as `GET tasks/{id}/` gives it; needs no other row."""
    return {
        "id": task.pk,
        "parent": task.parent_id,
        "type": task.type,
        "resource_type": task.resource_type,
        "resource_id": task.resource_id,
        "resource_name": task.resource_name,
        "state": task.state,
        "progress": progress_of(task),
        "priority": task.priority,
        "attempt": task.attempt,
        "error": error_as_json(task),
        "result": task.result,
        "log_file_exist": log_file_exist(task),
        "created_by": task.created_by_id,
        "created_at": moment_or_null(task.created_at),
        "started_at": moment_or_null(task.started_at),
        "finished_at": moment_or_null(task.finished_at),
    }
