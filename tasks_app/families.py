"""Parents and children: a parent counts its ended children and ends with the last of them.

A parent whose own work is done but whose children are not stays `running` without an owner and a
lease: it waits, and costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from ollamactl.lib.sentences import Sentence
from tasks_app.choices import ENDED, State, Unit
from tasks_app.clock import raised_seq
from tasks_app.events import announce_task
from tasks_app.failures import failure
from tasks_app.left_out import number_left_out
from tasks_app.models import Task
from tasks_app.runners import runner_of
from tasks_app.transitions import LET_GO, after_end, change, change_surely, held

WAITING = Q(state=State.RUNNING, owner="", lease_until=None)
UNFINISHED = Q(state__in=(State.FAILED, State.CANCELLED))
CASCADE = 200
"""Members of families that one transaction, or one look of the reconciler, sees to."""
COUNTED = ("total", *(str(state) for state in ENDED))


def counts_of_states(parent_id: int) -> dict[str, int]:
    """How many children are in each state; what there is none of is left out."""
    rows = (
        Task.objects.filter(parent_id=parent_id).order_by().values("state").annotate(n=Count("pk"))
    )
    return {str(row["state"]): int(row["n"]) for row in rows}


def counts_of(parent_id: int) -> dict[str, int]:
    """How many children have ended in each way, how many are `live`, and `total`."""
    counts = counts_of_states(parent_id)
    return {
        "total": sum(counts.values()),
        **{str(state): counts.get(state, 0) for state in ENDED},
        "live": sum(n for state, n in counts.items() if state not in ENDED),
    }


def wait_cut_short(task: Task, *, floor: int) -> Task | None:
    """A parent is cancelled before it has begun all its parts: it waits for those it has."""
    return wait_or_succeed(task, _cut_short(task), floor=floor)


def wait_or_succeed(task: Task, result: dict[str, Any] | None, *, floor: int) -> Task | None:
    """A parent's own work is done: it waits for its children, or ends if they have."""
    with transaction.atomic():  # from its first moment on its count is right, and only goes on
        waiting = change_surely(
            task, held(task), floor=floor, **LET_GO, result=result, unit=Unit.ITEMS, phase=""
        )
        return waiting and (count_children(waiting.pk) or waiting)


@after_end
def tell_parents(tasks: Sequence[Task]) -> None:
    """In the transaction in which children end: their parents count them."""
    ended = Counter(task.parent_id for task in tasks if task.parent_id is not None)
    for parent_id, number in sorted(ended.items()):
        if _count_on(parent_id, number) is None:
            count_children(parent_id)


def _count_on(parent_id: int, ended: int) -> Task | None:
    """So many more have ended, and others have not: that costs the same however many there are.

    None where all are to be counted: these were the last, or the parent does not wait.
    """
    others = Q(done__isnull=False, total__gt=F("done") + ended)
    return change(parent_id, WAITING & others, done=F("done") + ended)


@after_end
def count_own_children(tasks: Sequence[Task]) -> None:
    """In the transaction of a parent's end: what it says is true of those that have ended by now.

    It may have ended in the middle of its own work; each of the others that ends is counted then.
    """
    for task in tasks:
        runner = runner_of(task.type)
        if runner is not None and runner.has_parts and task.state != State.SUCCEEDED:
            count_children(task.pk)


@transaction.atomic
def count_children(parent_id: int) -> Task | None:
    """Write the count into a waiting parent, and end it with the last child.

    One that did not succeed and has ended before its children counts on.
    """
    # The lock keeps two children that end at once from both seeing the other alive.
    parent = Task.objects.select_for_update().filter(WAITING | UNFINISHED, pk=parent_id).first()
    if parent is None:
        return None
    counts = counts_of(parent_id)
    live = counts.pop("live")
    if parent.is_ended:
        return _correct(parent, counts)
    fields: dict[str, Any] = {
        "done": counts["total"] - live,
        "total": counts["total"],
        "unit": Unit.ITEMS,
    }
    if not live:
        fields |= _end(parent, counts)
    return change(parent_id, WAITING, **fields)


def without_counts(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a parent's own work has said; the rest is said anew when its children have ended."""
    said = {name: value for name, value in (result or {}).items() if name not in COUNTED}
    said.pop("rolled_back_by", None)
    return said or None


def _correct(parent: Task, counts: dict[str, int]) -> Task | None:
    """Count in the row of an ended parent; its state, and what followed from it, stay."""
    if not counts["total"]:
        return None
    said = _cut_short(parent) if parent.result is None else parent.result
    result = {**said, **counts}
    if result == parent.result:
        return None
    Task.objects.filter(pk=parent.pk).update(result=result, seq=raised_seq())
    parent.refresh_from_db()
    announce_task(parent, notice=False)
    return parent


def _cut_short(parent: Task) -> dict[str, Any]:
    """What its own work has not come to say: that there is more, and what it had left out."""
    return {**number_left_out(parent), "cut_short": True}


def _end(parent: Task, counts: dict[str, int]) -> dict[str, Any]:
    end: dict[str, Any] = {
        "result": {**(parent.result or {}), **counts},
        "finished_at": Now(),
        "pause_requested": False,
    }
    failed = counts["total"] - counts[State.SUCCEEDED]
    unbegun = end["result"].get("cut_short") or end["result"].get("not_begun")
    if not failed and not unbegun:
        return {**end, "state": State.SUCCEEDED, "error": None}
    if parent.cancel_requested:
        return {**end, "state": State.CANCELLED}
    sentence = Sentence(
        gettext_noop("{failed} of {total} steps did not succeed. Retry to run those again."),
        failed=failed,
        total=counts["total"],
    )
    if not failed:
        sentence = Sentence(gettext_noop("Not all its steps have begun. Retry to begin the rest."))
    return {
        **end,
        "state": State.FAILED,
        "error": failure("children_failed", sentence, retryable=True),
    }
