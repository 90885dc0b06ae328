"""Which ended tasks may go, and their log files with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from ollamactl.lib.retention import Keys, Removable
from tasks_app.choices import ENDED
from tasks_app.log_files import remove_log_files
from tasks_app.models import Task
from tasks_app.turns import short_transaction

InUse = Callable[[], Exists]
_in_use: list[InUse] = []


def keep_while(in_use: InUse) -> None:
    """Keep the tasks for which this holds, however old: something shows them. From `ready`."""
    _in_use.append(in_use)


def ended_tasks(before: datetime) -> Removable:
    """Tasks that ended before this moment: never one that is in use, nor a parent before its
    children, nor a child before its parent has ended."""

    def find(most: int) -> Keys:
        return list(_removable(before).order_by("finished_at").values_list("pk", flat=True)[:most])

    def remove(keys: Keys) -> int:
        with short_transaction():
            locked = _removable(before).select_for_update(of=("self",), skip_locked=True)
            ids = list(locked.filter(pk__in=keys).order_by("pk").values_list("pk", flat=True))
            # The files first: a process that is killed here leaves rows, which are found again.
            remove_log_files(ids)
            Task.objects.filter(pk__in=ids).delete()
        return len(ids)

    return Removable("tasks", find, remove)


def _removable(before: datetime) -> QuerySet[Task]:
    children = Task.objects.filter(parent=OuterRef("pk"))
    alone = Q(parent=None) | Q(parent__state__in=ENDED, parent__finished_at__lt=before)
    old = Task.objects.filter(alone, ~Exists(children), state__in=ENDED, finished_at__lt=before)
    for in_use in _in_use:
        old = old.exclude(in_use())
    return old
