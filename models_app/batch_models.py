"""What a batch works on, beside the row of its task."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from models_app.batches.words import OnError, Operation


class Batch(models.Model):
    """One operation on many models: the plan that its task works off.

    `items`: a list of `{"model": id or null, "server": id, "name": …, "place": …, "with": {…}}`, in
    the order in which their tasks are made; `position` of them have one. The place is what the
    server was called, for when it is gone. Downloads have their `guess`, too: bytes, or null;
    `unmade` is its sum over those that have no task yet, by the servers' ids, for whom their disks
    are to keep that room. `skipped`: those that the plan left out, `{"model", "server", "name",
    "place", "code", "detail"}`, the detail a stored sentence. Both are kept apart from the task,
    whose row is read at each end of a child. `undoes` is the batch that this one rolls back: then
    `items` is empty until its worker has gathered them.
    """

    task = models.OneToOneField(
        "tasks_app.Task", on_delete=models.CASCADE, related_name="batch", verbose_name=_("task")
    )
    operation = models.CharField(_("operation"), max_length=16, choices=Operation.choices)
    on_error = models.CharField(
        _("after a failure"), max_length=16, choices=OnError.choices, default=OnError.CONTINUE
    )
    items = models.JSONField(_("models"), default=list)
    skipped = models.JSONField(_("left out"), default=list)
    position = models.PositiveIntegerField(_("begun"), default=0)
    unmade = models.JSONField(_("bytes still to be reserved"), default=dict)
    again_before = models.DateTimeField(_("retried what had ended before"), null=True)
    undoes = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="undone_by",
        verbose_name=_("undoes"),
    )

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.operation} {len(self.items)}"
