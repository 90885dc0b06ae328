"""Creating tasks, and what people may tell them. (Signatures; the engine fills them.)"""

from __future__ import annotations

from typing import Any

from audit_app.actors import Actor
from tasks_app.models import Task


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
    queue: str | None = None,
) -> Task:
    """Insert a queued task in the caller's transaction; a worker is woken on commit."""
    raise NotImplementedError


def cancel_task(*, actor: Actor, task: Task) -> Task:
    """Cancel a live task and its live children; the runner sees it within milliseconds."""
    raise NotImplementedError


def pause_task(*, actor: Actor, task: Task) -> Task:
    raise NotImplementedError


def resume_task(*, actor: Actor, task: Task) -> Task:
    raise NotImplementedError


def retry_task(*, actor: Actor, task: Task) -> Task:
    """Put a failed or cancelled task back in the queue."""
    raise NotImplementedError
