"""One operation on many models: planned, begun, and rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.batch_models import Batch
from models_app.batches.operations import KINDS, Kind
from models_app.batches.planning import Plan, PlanItem, make_plan
from models_app.batches.reserving import guess, guess_each_once, sum_of
from models_app.batches.selection import Selection, choose
from models_app.batches.undoing import undoable
from models_app.batches.words import OnError, Operation
from models_app.pulls import PULL_TYPE
from models_app.services.lifecycle import PULL
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.lib.sentences import to_stored
from tasks_app import services as tasks
from tasks_app.models import Task

NAMES_RECORDED = 200


@dataclass(frozen=True)
class BegunBatch:
    """A batch on its way, and the plan that it works off."""

    task: Task
    plan: Plan


def plan_batch(
    *, actor: Actor, operation: str, selection: Selection, on_error: str = OnError.CONTINUE
) -> Plan:
    """What the batch would do; registries are asked for 2 s at most.

    Raises `InvalidInput` with `attr`, and `NotPermitted` for what starting it needs.
    """
    kind = _permitted(actor, operation, on_error)
    chosen = choose(selection, actor=actor, operation=kind.operation)
    return make_plan(chosen=chosen, operation=kind.operation)


def start_batch(
    *, actor: Actor, operation: str, selection: Selection, on_error: str = OnError.CONTINUE
) -> BegunBatch:
    """Queue the batch: one parent task, whose worker makes a child for each model that can.

    What cannot be done, and where nothing has to be, is left out and said in the result. Raises
    what `plan_batch` raises, and `Conflict` (code `nothing_to_do`) where nothing is left.
    """
    kind = _permitted(actor, operation, on_error)
    chosen = choose(selection, actor=actor, operation=kind.operation)
    plan = make_plan(chosen=chosen, operation=kind.operation, ask=False)
    if not plan.will():
        raise Conflict(
            _("Nothing can be done with these models now: %(reason)s") % {"reason": _reason(plan)},
            code="nothing_to_do",
            extra={"plan": plan.as_json()},
        )
    items = _begun(kind, plan.will())
    with transaction.atomic():
        task = _begin(
            actor=actor,
            type="model.batch",
            operation=kind.operation,
            on_error=on_error,
            count=len(items),
            names=[item["name"] for item in items[:NAMES_RECORDED]],
            items=items,
            skipped=[_left_out(item) for item in plan.left_out()],
            unmade=sum_of(items),
        )
    return BegunBatch(task, plan)


def begin_rollback(*, actor: Actor, batch: Batch) -> Task | None:
    """Queue what undoes a batch, in the caller's transaction; None where nothing can be undone.

    What it works on is only counted here: its worker gathers that.
    """
    kind = KINDS[Operation(batch.operation)]
    if kind.undone_by is None:
        return None
    done = undoable(batch)
    count = done.count()
    if not count:
        return None
    task = _begin(
        actor=actor,
        type="model.rollback",
        operation=kind.undone_by,
        on_error=OnError.CONTINUE,
        count=count,
        names=list(done.order_by("pk").values_list("resource_name", flat=True)[:NAMES_RECORDED]),
        undoes=batch,
    )
    parent = Task.objects.select_for_update(of=("self",)).get(pk=batch.task_id)
    parent.result = {**(parent.result or {}), "rolled_back_by": task.pk}
    parent.save(update_fields=["result"])
    return task


def roll_back_batch(*, actor: Actor, task: Task) -> Task:
    """Undo an ended batch; needs the right to do what undoes it. Raises `Conflict`."""
    batch = Batch.objects.filter(task=task).select_related("task").first()
    inverse = KINDS[Operation(batch.operation)].undone_by if batch else None
    if batch is None or inverse is None:
        raise _nothing_to_undo()
    actor.require(KINDS[inverse].permission)
    with transaction.atomic():
        locked = Task.objects.select_for_update(of=("self",)).get(pk=task.pk)
        if (locked.result or {}).get("rolled_back_by"):
            raise Conflict(_("This batch is rolled back already."), code="rolled_back")
        begun = begin_rollback(actor=actor, batch=batch)
        if begun is None:
            raise _nothing_to_undo()
    return begun


def _nothing_to_undo() -> Conflict:
    return Conflict(_("There is nothing here that can be rolled back."), code="no_rollback")


def _permitted(actor: Actor, operation: str, on_error: str) -> Kind:
    if operation not in Operation.values:
        raise InvalidInput(
            _("“%(value)s” is no operation; choose one of: %(choices)s.")
            % {"value": operation[:40], "choices": ", ".join(Operation.values)},
            attr="operation",
        )
    if on_error not in OnError.values:
        raise InvalidInput(
            _("“%(value)s” is no way to go on; choose one of: %(choices)s.")
            % {"value": on_error[:40], "choices": ", ".join(OnError.values)},
            attr="on_error",
        )
    kind = KINDS[Operation(operation)]
    actor.require(kind.permission)
    if kind.task_type == PULL_TYPE:
        actor.require(PULL)
    if on_error == OnError.ROLLBACK:
        if kind.undone_by is None:
            raise InvalidInput(
                _("This operation cannot be rolled back: registries keep no older versions."),
                attr="on_error",
            )
        actor.require(tasks.ROLL_BACK)
        actor.require(KINDS[kind.undone_by].permission)
    return kind


def _begin(
    *,
    actor: Actor,
    type: str,
    operation: Operation,
    on_error: str,
    count: int,
    names: list[str],
    undoes: Batch | None = None,
    **plan: Any,
) -> Task:
    """`plan`: the fields of `Batch` that are known by now; `names`: some, for the record."""
    counts: dict[str, Any] = {
        "operation": str(operation),
        "count": count,
        "on_error": str(on_error),
    }
    if undoes:
        counts["undoes"] = undoes.task_id
    task = tasks.create_task(type=type, actor=actor, payload=counts)
    Batch.objects.create(task=task, operation=operation, on_error=on_error, undoes=undoes, **plan)
    record_action(
        actor=actor,
        verb=type,
        resource_type="task",
        resource_id=task.pk,
        data={**counts, "names": names},
    )
    return task


def _item(item: PlanItem) -> dict[str, Any]:
    server = item.chosen.server
    return {
        "model": item.chosen.id,
        "server": server.pk if server else None,
        "name": item.chosen.name,
        "place": server.name if server else "",
    }


def _begun(kind: Kind, items: list[PlanItem]) -> list[dict[str, Any]]:
    if kind.task_type != PULL_TYPE:
        return [_item(item) for item in items]
    return guess_each_once(
        [{**_item(one), "guess": guess(one.chosen.model, one.chosen.name)} for one in items]
    )


def _left_out(item: PlanItem) -> dict[str, Any]:
    judgement = item.judgement
    return {**_item(item), "code": judgement.code, "detail": to_stored(judgement.detail)}


def _reason(plan: Plan) -> str:
    """The sentence that is true of most of them."""
    details = [str(item.judgement.detail) for item in plan.items]
    return max(dict.fromkeys(details), key=details.count, default="")
