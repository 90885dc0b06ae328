"""Many models at once: a parent that makes a child for each, and the one that undoes it."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit_app.actors import Actor
from models_app.batch_models import Batch
from models_app.batches import after_failure  # noqa: F401 - the import makes it heard
from models_app.batches.children import begin_children
from models_app.batches.undoing import can_undo, gather
from models_app.services.batches import roll_back_batch
from ollamactl.lib.errors import ApplicationError
from tasks_app.choices import ENDED, State, Unit
from tasks_app.models import Task
from tasks_app.runners import Runner, TaskFailed, register
from tasks_app.services import queue_all_again


@register
class BatchRunner(Runner):
    """Make the children, however often this is begun anew; the last of them ends the batch."""

    type = "model.batch"
    has_parts = True

    @classmethod
    def retried(cls, task: Task) -> None:
        Batch.objects.filter(task=task).update(again_before=Now())

    @classmethod
    def offers_rollback(cls, task: Task) -> bool:
        result = task.result or {}
        done = bool(result.get("succeeded")) and not result.get("rolled_back_by")
        return task.is_ended and done and can_undo(str(task.payload.get("operation")))

    @classmethod
    def roll_back(cls, task: Task, actor: Actor) -> Task:
        return roll_back_batch(actor=actor, task=task)

    def work(self) -> dict[str, Any] | None:
        batch = Batch.objects.filter(task=self.task).select_related("undoes").first()
        if batch is not None:
            self.prepare(batch)
        if batch is None or not batch.items:
            raise TaskFailed(_("The plan of this batch is gone. Begin it anew."), code="plan_gone")
        self._again(batch)
        left = begin_children(self.task, self._tell)
        result: dict[str, Any] = {"skipped": len(batch.skipped)}
        return {**result, "not_begun": left} if left else result

    def prepare(self, batch: Batch) -> None:
        """What has to be known before the children can be made."""

    def _tell(self, _begun: int, total: int) -> None:
        """From its first moment on it counts what has ended: it does not begin anew later."""
        ended = Task.objects.filter(parent=self.task, state__in=ENDED).count()
        self.run.progress(done=ended, total=total, unit=Unit.ITEMS, phase="beginning")

    def _again(self, batch: Batch) -> None:
        """Queue what had not succeeded when a person said so; what failed since has had its try."""
        if batch.again_before is None:
            return
        ended = Task.objects.filter(
            parent=self.task,
            state__in=(State.FAILED, State.CANCELLED),
            finished_at__lte=batch.again_before,
        )
        queue_all_again(
            list(ended.order_by("pk").values_list("pk", flat=True)),
            refused=self._stays,
            check=self.run.check,
        )
        Batch.objects.filter(pk=batch.pk).update(again_before=None)

    def _stays(self, child_id: int, refusal: ApplicationError) -> None:
        self.run.log(f"task {child_id} stays as it ended: {refusal.code}")


@register
class RollbackRunner(BatchRunner):
    """What a batch has done, undone."""

    type = "model.rollback"

    @classmethod
    def offers_rollback(cls, task: Task) -> bool:
        return False

    def prepare(self, batch: Batch) -> None:
        gather(self.task, batch, self.run.check)
