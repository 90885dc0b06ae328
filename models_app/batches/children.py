"""The tasks of a batch: one for each model, made a few at a time, each once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Max

from audit_app.actors import Actor
from audit_app.choices import Origin
from models_app.batch_models import Batch
from models_app.batches.operations import KINDS
from models_app.batches.reserving import Reservations, take_from_sum
from models_app.batches.verdicts import Verdict, each_once, judge_items
from models_app.batches.words import OnError, Operation
from models_app.models import OllamaModel
from models_app.pulls import PULL_TYPE, pulls_key
from models_app.services.beginnings import Beginning, begin_tasks
from models_app.services.starting import FOREVER
from ollamactl.lib.pace import Pace
from tasks_app.models import Task
from tasks_app.runners import Stopped
from tasks_app.transitions import held

# Children in one transaction, and the longest that it may hold the database's write lock.
SLICE = 500
FIRST_SLICE = 50
LEAST = 20
SLICE_SECONDS = 0.05
BEHIND_SINGLE_WORK = -1
"""The priority of children: what people do with one model goes first."""


def begin_children(task: Task, tell: Callable[[int, int], None]) -> int:
    """Make the children that are not made yet; returns how many were left out by a halt.

    Where it was is written with them: a repetition goes on there. Between two slices other writers
    have their turn, and what downloads will need is asked for. Raises `Stopped` where somebody else
    has the task by now.
    """
    batch = Batch.objects.get(task=task)  # its items never change
    reservations, total = Reservations(batch), len(batch.items)
    pace = Pace(first=FIRST_SLICE, least=LEAST, most=SLICE, seconds=SLICE_SECONDS)
    last = Task.objects.filter(parent=task).aggregate(last=Max("rank"))["last"] or 0
    while True:
        reservations.look_ahead(batch.position)
        first = batch.position
        pace.begin()
        halted, last = begin_slice(task, batch, reservations, size=pace.size, after=last)
        pace.end(batch.position - first)
        tell(batch.position, total)
        if halted or batch.position >= total:
            return total - batch.position
        pace.rest()


@transaction.atomic
def begin_slice(
    task: Task, batch: Batch, reservations: Reservations, *, size: int, after: int = 0
) -> tuple[bool, int]:
    """Make some children, behind the rank `after`, and move the position on.

    Returns whether the batch is halted, and the rank of the last one.
    """
    parent = Task.objects.select_for_update(of=("self",)).filter(held(task), pk=task.pk).first()
    if parent is None:
        raise Stopped
    # Another worker may have come further before this one got the task.
    batch.refresh_from_db(fields=["position", "unmade"])
    if parent.halted or batch.position >= len(batch.items):
        return parent.halted, after
    operation, position = Operation(batch.operation), batch.position
    halts = batch.on_error != OnError.CONTINUE
    items = each_once(batch.items[position : position + min(size, reservations.known(position))])
    children = begin_tasks(
        actor=actor_of(parent),
        type=KINDS[operation].task_type,
        beginnings=[
            _beginning(parent, operation, verdict, reservations.of(position + number))
            for number, verdict in enumerate(judge_items(operation, items, halts=halts))
        ],
        parent=parent,
        priority=BEHIND_SINGLE_WORK,
        after=after,
    )
    for item in items[: len(children)]:
        take_from_sum(batch.unmade, item)
    batch.position += len(children)
    batch.save(update_fields=["position", "unmade"])
    if parent.lost_count:
        # It came further, so it is not what ends its workers: losses count anew.
        Task.objects.filter(pk=parent.pk).update(lost_count=0)
    return halts and children[-1].is_ended, children[-1].rank


def _beginning(
    parent: Task, operation: Operation, verdict: Verdict, needed: int | None
) -> Beginning:
    """`needed`: the bytes of a download."""
    item, row = verdict.item, verdict.row
    return Beginning(
        model=row,
        name=item["name"],
        model_id=item["model"],
        server_id=item["server"],
        server_name=item.get("place") or "",
        payload=_payload(operation, item, row, needed),
        limit_key=_limit_key(operation, row.server_id if row is not None else item["server"]),
        data={"batch": parent.pk, "digest": row.digest if row is not None else ""},
        refusal=verdict.refusal,
    )


def _limit_key(operation: Operation, server: int | None) -> str:
    pulls = KINDS[operation].task_type == PULL_TYPE
    return pulls_key(server) if pulls else f"server.work:{server}"


def _payload(
    operation: Operation, item: dict[str, Any], model: OllamaModel | None, needed: int | None
) -> dict[str, Any]:
    """What the runner of a single task finds there, and what the model was before."""
    given = dict(item.get("with") or {})
    if operation == Operation.START:
        given.setdefault("keep_alive", FOREVER)
    elif KINDS[operation].task_type == PULL_TYPE:
        given |= {"override": False, "needed": needed}
    return {**given, "before": _before(model) if model is not None else {}}


def _before(model: OllamaModel) -> dict[str, Any]:
    """What a roll-back has to know of the model as it was."""
    loaded = model.loaded or {}
    return {
        "server": model.server_id,
        "source": model.source,
        "digest": model.digest,
        "loaded": model.is_loaded,
        "num_ctx": loaded.get("context_length"),
        "forever": model.is_loaded and loaded.get("expires_at") is None,
    }


def actor_of(task: Task) -> Actor:
    """Who asked for the batch, for what its worker does in their name."""
    return Actor(user=task.created_by, origin=Origin(task.origin))
