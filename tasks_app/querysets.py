"""Reads of tasks, by their business names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.db import models

from tasks_app.choices import LIVE, State

if TYPE_CHECKING:
    from tasks_app.models import Task  # noqa: F401 - the name in the base class


# The order in which waiting tasks begin.
IN_ORDER = ("-priority", "rank", "pk")


class TaskQuerySet(models.QuerySet["Task"]):
    """Selections of tasks."""

    def visible_to(self, user: User | AnonymousUser) -> TaskQuerySet:
        """The tasks that this user may know of."""
        return self if user.has_perm("tasks_app.view_task") else self.none()

    def live(self) -> TaskQuerySet:
        """Queued, running or paused."""
        return self.filter(state__in=LIVE)

    def waiting(self) -> TaskQuerySet:
        """Queued, those that are to begin first at the top."""
        return self.filter(state=State.QUEUED).order_by(*IN_ORDER)

    def about(self, resource_type: str, resource_id: int) -> TaskQuerySet:
        """The tasks of one resource."""
        return self.filter(resource_type=resource_type, resource_id=resource_id)
