"""What a batch does when one of its models fails: begin no others, or undo what was done."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from models_app.batch_models import Batch
from models_app.batches.children import actor_of
from models_app.batches.words import OnError
from models_app.services.batches import begin_rollback
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.transitions import after_end
from tasks_app.wakeups import look_on_commit


@after_end
def heed_failures(tasks: Sequence[Task]) -> None:
    """In the transaction of failures: a child's halts its batch, a batch's rolls it back."""
    failed = [task for task in tasks if task.state == State.FAILED]
    parents = {task.parent_id for task in failed if task.parent_id is not None}
    if parents:
        _halt(parents)
    for task in failed:
        if task.type == "model.batch" and (task.error or {}).get("code") == "children_failed":
            _roll_back(task)


def _halt(parents: Collection[int]) -> None:
    halting = Batch.objects.filter(task_id__in=parents).exclude(on_error=OnError.CONTINUE)
    told = Task.objects.filter(pk__in=halting.values("task_id"), halted=False)
    if told.update(halted=True):
        look_on_commit()  # what has not begun ends now, and the batch with what runs


def _roll_back(task: Task) -> None:
    batch = Batch.objects.filter(task=task, on_error=OnError.ROLLBACK).first()
    if batch is not None:
        begin_rollback(actor=actor_of(task), batch=batch)
