"""What has to be true of the rows of tasks at any moment, whatever has happened to the panel."""

from __future__ import annotations

from collections.abc import Iterator

from tasks_app.choices import State
from tasks_app.families import counts_of
from tasks_app.models import Task
from tasks_app.runners import runner_of


def broken_rules(newest: int | None = None) -> list[str]:
    """A sentence for each row that contradicts itself or its family; for tests and for support.

    Looks at so many of the newest tasks, or at all.
    """
    tasks = Task.objects.order_by("-pk")[:newest].iterator(500)
    return [f"task {task.pk} ({task.type}): {rule}" for task in tasks for rule in _rules(task)]


def _rules(task: Task) -> Iterator[str]:
    is_held = bool(task.owner) or task.lease_until is not None
    has_children = task.children.exists()
    if task.state == State.RUNNING and not has_children and not (task.owner and task.lease_until):
        yield "is running without an owner and a lease"
    if task.state != State.RUNNING and is_held:
        yield f"is {task.state} and still held by {task.owner or 'a lease'}"
    if task.state == State.QUEUED and (not task.queue or runner_of(task.type) is None):
        yield "waits in a queue that nobody works off"
    if task.is_live == (task.finished_at is not None):
        yield f"is {task.state}, and finished at {task.finished_at}"
    if (task.state == State.FAILED) != (task.error is not None) and not task.is_live:
        yield f"is {task.state} with the error {task.error}"
    if has_children:
        yield from _family_rules(task)


def _family_rules(parent: Task) -> Iterator[str]:
    counts = counts_of(parent.pk)
    live = counts.pop("live")
    if parent.state == State.SUCCEEDED and counts[State.SUCCEEDED] != counts["total"]:
        yield f"succeeded, but its children are {counts}"
    if parent.is_ended and live and not parent.cancel_requested and parent.state != State.FAILED:
        yield f"has ended before {live} of its children"
    if parent.state == State.RUNNING and not parent.owner:
        if not live:
            yield "waits for children that have all ended"
        if parent.done != counts["total"] - live or parent.total != counts["total"]:
            yield f"says {parent.done} of {parent.total}, its children say {counts}"
    if parent.is_ended and not live:
        said = {name: (parent.result or {}).get(name) or 0 for name in counts}
        # Fewer is no contradiction: children that ended long ago are removed before their parent.
        if any(counts[name] > said[name] for name in counts):
            yield f"says {said}, its children say {counts}"
