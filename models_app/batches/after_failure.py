"""What a batch does when one of its models fails: begin no others, or undo what was done."""

from __future__ import annotations

from models_app.batch_models import Batch
from models_app.batches.children import actor_of
from models_app.batches.words import OnError
from models_app.services.batches import begin_rollback
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.transitions import after_end


@after_end
def heed_failure(task: Task) -> None:
    """In the transaction of a failure: a child's halts its batch, a batch's rolls it back."""
    if task.state != State.FAILED:
        return
    if task.parent_id is not None:
        _halt(task.parent_id)
    if task.type == "model.batch" and (task.error or {}).get("code") == "children_failed":
        _roll_back(task)


def _halt(parent_id: int) -> None:
    halting = Batch.objects.filter(task_id=parent_id).exclude(on_error=OnError.CONTINUE)
    Task.objects.filter(pk__in=halting.values("task_id"), halted=False).update(halted=True)


def _roll_back(task: Task) -> None:
    batch = Batch.objects.filter(task=task, on_error=OnError.ROLLBACK).first()
    if batch is not None:
        begin_rollback(actor=actor_of(task), batch=batch)
