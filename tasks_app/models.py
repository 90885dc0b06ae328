"""The task row: the truth about every long operation."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from audit_app.choices import Origin
from ollamactl.lib.quick_rows import QuickRow
from tasks_app.choices import ENDED, LIVE, State, Unit
from tasks_app.querysets import TaskQuerySet


class Task(QuickRow):
    """One long operation, from the click to its end.

    | from | to | by |
    |---|---|---|
    | - | queued | `services.create_task` |
    | queued | running | a worker's claim |
    | running | queued | a retry later, a release at shutdown, a lost lease |
    | queued, running | paused | a pause |
    | paused | queued | a resume |
    | running | succeeded, failed | the runner's end |
    | running | failed | the third lost lease (`worker_lost`) |
    | queued, running, paused | cancelled | a cancel |
    | failed, cancelled | queued | a retry by a person |
    | failed, cancelled | running | the retry of a child, for its parent |

    A running row belongs to `owner` until `lease_until`, and every write of a worker is fenced by
    `id, epoch, state = running`. A running row without a lease is a parent whose own work is done:
    it waits for its children, and the last one ends it. One that is `halted` waits for those that
    run: the others do not begin any more. Times are the database's. Queued ones go by
    `-priority, rank, pk` (`querysets.IN_ORDER`).
    """

    type = models.CharField(_("type"), max_length=64, db_index=True)
    resource_type = models.CharField(_("resource type"), max_length=32, blank=True)
    resource_id = models.BigIntegerField(_("resource id"), null=True, blank=True)
    resource_name = models.CharField(_("resource"), max_length=512, blank=True)
    parent = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    origin = models.CharField(
        _("origin"), max_length=16, choices=Origin.choices, default=Origin.SYSTEM
    )
    payload = models.JSONField(_("payload"), default=dict, blank=True)
    payload_version = models.PositiveSmallIntegerField(_("version of the payload"), default=1)
    queue = models.CharField(_("queue"), max_length=64, default="default")
    priority = models.SmallIntegerField(_("priority"), default=0)
    # Among those of one priority: the lowest first.
    rank = models.BigIntegerField(_("place in the queue"), default=0)
    limit_key = models.CharField(_("limit key"), max_length=128, blank=True)

    state = models.CharField(
        _("state"), max_length=16, choices=State.choices, default=State.QUEUED, db_index=True
    )
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    lost_count = models.PositiveIntegerField(_("workers lost"), default=0)
    epoch = models.PositiveIntegerField(_("epoch"), default=0)
    owner = models.CharField(_("owner"), max_length=128, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    run_after = models.DateTimeField(_("not before"), null=True, blank=True)
    enqueued_at = models.DateTimeField(_("announced"), null=True, blank=True)
    # When a worker that ended had to let go of it, and when another one went on with it.
    interrupted_at = models.DateTimeField(_("interrupted"), null=True, blank=True)
    resumed_at = models.DateTimeField(_("resumed"), null=True, blank=True)
    cancel_requested = models.BooleanField(_("to be cancelled"), default=False)
    pause_requested = models.BooleanField(_("to be paused"), default=False)
    halted = models.BooleanField(_("begins no further parts"), default=False)

    done = models.BigIntegerField(_("done so far"), null=True, blank=True)
    total = models.BigIntegerField(_("total"), null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=8, choices=Unit.choices, blank=True)
    rate = models.FloatField(_("rate"), null=True, blank=True)
    phase = models.CharField(_("phase"), max_length=64, blank=True)
    seq = models.BigIntegerField(_("version of the row"), default=0)
    error = models.JSONField(_("error"), null=True, blank=True)
    result = models.JSONField(_("result"), null=True, blank=True)
    log_path = models.CharField(_("log file"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["-created_at", "-id"]
        default_permissions = ["view"]
        permissions = [
            ("cancel_task", _("Can cancel and pause tasks")),
            ("retry_task", _("Can retry and resume tasks")),
            ("rollback_task", _("Can roll tasks back")),
            ("move_task", _("Can change the order of waiting tasks")),
            ("view_metrics", _("Can read the figures at /metrics")),
        ]
        indexes = [
            models.Index(fields=["state", "queue", "-priority", "rank"], name="task_claim"),
            models.Index(fields=["state", "lease_until"], name="task_lease"),
            models.Index(fields=["limit_key", "state"], name="task_limit"),
            models.Index(fields=["resource_type", "resource_id", "-created_at"], name="task_of"),
            # What people filter and order by. Both directions: ties go by id, upwards in each.
            models.Index(fields=["resource_id"], name="task_resource_id"),
            models.Index(fields=["resource_name"], name="task_resource_name"),
            models.Index(fields=["started_at"], name="task_started_at"),
            models.Index(fields=["priority", "id"], name="task_priority"),
            models.Index(fields=["-priority", "id"], name="task_priority_down"),
            models.Index(fields=["-state", "id"], name="task_state_down"),
            models.Index(fields=["-type", "id"], name="task_type_down"),
            models.Index(fields=["attempt"], name="task_attempt"),
            models.Index(fields=["phase"], name="task_phase"),
            models.Index(fields=["unit"], name="task_unit"),
            models.Index(
                fields=["id"], condition=models.Q(error__isnull=False), name="task_with_error"
            ),
            models.Index(fields=["finished_at"], name="task_finished"),
            # A parent counts its children by this alone, at the end of each of them.
            models.Index(fields=["parent", "state"], name="task_family"),
            models.Index(
                fields=["resumed_at"],
                condition=models.Q(resumed_at__isnull=False),
                name="task_resumed",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="task_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.resource_name or self.resource_id or ''}".strip()

    @property
    def is_live(self) -> bool:
        """Whether the task is not at its end."""
        return self.state in LIVE

    @property
    def is_ended(self) -> bool:
        """Whether the task has succeeded, failed or was cancelled."""
        return self.state in ENDED
