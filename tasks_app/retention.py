"""Which ended tasks may go, and their log files with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q

from ollamactl.lib.retention import Keys, Removable
from tasks_app.choices import ENDED
from tasks_app.log_files import remove_log_files
from tasks_app.models import Task

InUse = Callable[[], Exists]
_in_use: list[InUse] = []
Kinds = Callable[[], Iterable[Removable]]
_others: list[Kinds] = []


def keep_while(in_use: InUse) -> None:
    """Keep the tasks for which this holds, however old: something shows them. From `ready`."""
    _in_use.append(in_use)


def also_remove(kinds: Kinds) -> None:
    """Let the housekeeping remove what an app above this one keeps for a time. From `ready`."""
    _others.append(kinds)


def records_of_others() -> Iterable[Removable]:
    """What was registered, as the settings are now."""
    for kinds in _others:
        yield from kinds()


def ended_tasks(before: datetime) -> Removable:
    """Tasks that ended before this moment: never one that is in use, nor a parent before its
    children, nor a child before its parent has ended."""

    def find(most: int) -> Keys:
        # Only what has ended has a time of its end: the index of those times is all that is read.
        old = Task.objects.filter(finished_at__lt=before).filter(_may_go(before))
        return list(old.order_by("finished_at").values_list("pk", flat=True)[:most])

    def remove(keys: Keys) -> int:
        with transaction.atomic():
            rows = Task.objects.select_for_update(of=("self",), skip_locked=True)
            locked = [task.pk for task in rows.filter(pk__in=keys).only("pk").order_by("pk")]
            # Asked of these rows alone, not of an index of all that has ended.
            may_go = ExpressionWrapper(
                Q(state__in=ENDED, finished_at__lt=before) & _may_go(before),
                output_field=BooleanField(),
            )
            asked = Task.objects.filter(pk__in=locked).order_by().annotate(may_go=may_go)
            ids = [pk for pk, allowed in asked.values_list("pk", "may_go") if allowed]
            # The files first: a process that is killed here leaves rows, which are found again.
            remove_log_files(ids)
            Task.objects.filter(pk__in=ids).delete()
        return len(ids)

    return Removable("tasks", find, remove)


def _may_go(before: datetime) -> Q:
    children = Task.objects.filter(parent=OuterRef("pk"))
    alone = Q(parent=None) | Q(parent__state__in=ENDED, parent__finished_at__lt=before)
    condition = alone & ~Q(Exists(children))
    for in_use in _in_use:
        condition &= ~Q(in_use())
    return condition
