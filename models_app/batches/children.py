"""The tasks of a batch: one for each model, made a few at a time, each once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction

from audit_app.actors import Actor
from audit_app.choices import Origin
from models_app.batch_models import Batch
from models_app.batches.operations import KINDS
from models_app.batches.reserving import Reservations, take_from_sum
from models_app.batches.words import OnError, Operation
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.pulls import PULL_TYPE, pulls_key
from models_app.services.beginnings import (
    begin_task,
    idle,
    require_installed,
    require_server,
    row_for,
)
from models_app.services.starting import FOREVER
from models_app.services.states import GONE_FROM_PANEL
from ollamactl.lib.errors import ApplicationError, Conflict
from tasks_app.models import Task
from tasks_app.runners import Stopped
from tasks_app.services import create_failed_task
from tasks_app.transitions import held

# Children in one transaction, and the longest that it may hold the database's write lock.
SLICE = 500
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
    while True:
        reservations.look_ahead(batch.position)
        begun = time.monotonic()
        halted = _slice(task, batch, reservations, until=begun + SLICE_SECONDS)
        tell(batch.position, total)
        if halted or batch.position >= total:
            return total - batch.position
        time.sleep(min(time.monotonic() - begun, SLICE_SECONDS))


@transaction.atomic
def _slice(task: Task, batch: Batch, reservations: Reservations, *, until: float) -> bool:
    """Make some children and move the position on. Returns whether the batch is halted."""
    parent = Task.objects.select_for_update(of=("self",)).filter(held(task), pk=task.pk).first()
    if parent is None:
        raise Stopped
    # Another worker may have come further before this one got the task.
    batch.refresh_from_db(fields=["position", "unmade"])
    halted, first = parent.halted, batch.position
    while not halted and batch.position < len(batch.items) and batch.position - first < SLICE:
        needed = reservations.of(batch.position)
        item = batch.items[batch.position]
        child = _begin(parent, batch, item, needed)
        batch.position += 1
        take_from_sum(batch.unmade, item)
        halted = child.is_ended and batch.on_error != OnError.CONTINUE
        if time.monotonic() > until:
            break
    batch.save(update_fields=["position", "unmade"])
    if batch.position > first and parent.lost_count:
        # It came further, so it is not what ends its workers: losses count anew.
        Task.objects.filter(pk=parent.pk).update(lost_count=0)
    return halted


def _begin(parent: Task, batch: Batch, item: dict[str, Any], needed: int | None) -> Task:
    """The child of one item; one that has failed already where its model refuses. `needed`: the
    bytes of a download."""
    actor = actor_of(parent)
    try:
        with transaction.atomic():
            return _begin_task(actor, parent, Operation(batch.operation), item, needed)
    except ApplicationError as refusal:
        operation, row = Operation(batch.operation), _row(item)
        return create_failed_task(
            type=KINDS[operation].task_type,
            actor=actor,
            error=refusal,
            resource_type="model",
            resource_id=row.pk if row else item["model"],
            resource_name=item["name"],
            parent=parent,
            payload=_payload(operation, item, row, needed),
            limit_key=_limit_key(operation, item["server"]),
        )


def _begin_task(
    actor: Actor, parent: Task, operation: Operation, item: dict[str, Any], needed: int | None
) -> Task:
    kind = KINDS[operation]
    model = _model(operation, item)
    if operation not in (Operation.PULL, Operation.DELETE):
        require_installed(model)
    return begin_task(
        actor=actor,
        model=model,
        type=kind.task_type,
        payload=_payload(operation, item, model, needed),
        limit_key=_limit_key(operation, model.server_id),
        data={"batch": parent.pk, "digest": model.digest},
        parent=parent,
        priority=BEHIND_SINGLE_WORK,
    )


def _model(operation: Operation, item: dict[str, Any]) -> OllamaModel:
    """The locked, idle row; made where the name is new on its server."""
    if item["model"] is not None:
        return idle(OllamaModel(pk=item["model"]))
    server = OllamaServer.objects.filter(pk=item["server"]).first()
    if server is None or operation != Operation.PULL:
        raise Conflict(GONE_FROM_PANEL)
    require_server(server)
    return row_for(server, ModelName.parse(item["name"]))


def _row(item: dict[str, Any]) -> OllamaModel | None:
    """The row of an item as it is, without a lock."""
    if item["model"] is not None:
        return OllamaModel.objects.filter(pk=item["model"]).first()
    key = ModelName.parse(item["name"]).key
    return OllamaModel.objects.filter(server_id=item["server"], key=key).first()


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
