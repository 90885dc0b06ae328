"""What brings back what a batch has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from models_app.batch_models import Batch
from models_app.batches.operations import KINDS, MADE_HERE
from models_app.batches.reserving import guess, sum_of
from models_app.batches.words import Operation
from models_app.choices import Source
from models_app.services.starting import FOREVER
from ollamactl.lib.sentences import Sentence, to_stored
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.runners import Stopped
from tasks_app.transitions import held

OLDER_VERSION = Sentence(gettext_noop("Its registry does not keep the older version."))
OLLAMAS_DEFAULT_S = 300
READ = 500
"""Children that are read at a time."""
Item = dict[str, Any]


def can_undo(operation: str) -> bool:
    """Whether anything brings back what this operation does."""
    return operation in Operation.values and KINDS[Operation(operation)].undone_by is not None


def undoable(batch: Batch) -> QuerySet[Task]:
    """The children that something brings back, as `undo_items` finds them, for the database."""
    if batch.operation == Operation.DELETE:
        others = [source for source in Source.values if source != Source.LOCAL]
        return _done(batch).filter(payload__before__source__in=others)
    if batch.operation == Operation.PULL:
        return _done(batch).filter(payload__before__digest="")
    return _done(batch)


def gather(task: Task, batch: Batch, check: Callable[[], None]) -> None:
    """Write down what a roll-back works on, where that has not been done yet.

    Who queues it does not read ten thousand parts while others want to write; its worker does, in
    no transaction, and writes all by one statement: after a kill there is all of it or nothing.
    `check` raises where the work has to end; `Stopped` where somebody else has the task by now.
    """
    if batch.items or batch.undoes is None:
        return
    items, skipped = undo_items(batch.undoes, check)
    with transaction.atomic():
        parent = Task.objects.select_for_update(of=("self",)).filter(held(task), pk=task.pk).first()
        if parent is None:
            raise Stopped
        batch.items, batch.skipped, batch.unmade = items, skipped, sum_of(items)
        batch.save(update_fields=["items", "skipped", "unmade"])
        if parent.payload.get("count") != len(items):  # a part was retried since
            payload = {**parent.payload, "count": len(items)}
            Task.objects.filter(pk=task.pk).update(payload=payload)


def undo_items(batch: Batch, check: Callable[[], None]) -> tuple[list[Item], list[Item]]:
    """For each child that succeeded: what undoes it, and those that nothing brings back."""
    items: list[Item] = []
    skipped: list[Item] = []
    rows = _done(batch).values_list("resource_id", "resource_name", "payload").order_by("pk")
    for model_id, name, payload in rows.iterator(READ):
        check()
        before = (payload or {}).get("before") or {}
        place = str(((payload or {}).get("place") or {}).get("name") or "")
        item = {"model": model_id, "server": before.get("server"), "name": name, "place": place}
        refusal = _refusal(batch.operation, before)
        if refusal is None:
            items.append(_undoing(batch.operation, item, before))
        else:
            code, detail = refusal
            skipped.append({**item, "code": code, "detail": to_stored(detail)})
    return items, skipped


def _done(batch: Batch) -> QuerySet[Task]:
    return Task.objects.filter(parent_id=batch.task_id, state=State.SUCCEEDED)


def _refusal(operation: str, before: Item) -> tuple[str, Sentence] | None:
    if operation == Operation.DELETE and before.get("source") == Source.LOCAL:
        return "local", MADE_HERE
    if operation == Operation.PULL and before.get("digest") != "":
        return "older_version", OLDER_VERSION
    return None


def _undoing(operation: str, item: Item, before: Item) -> Item:
    if operation == Operation.DELETE:  # the row is gone: its name on its server is what is left
        return {**item, "model": None, "guess": guess(None, item["name"])}
    if operation != Operation.STOP:
        return item
    options: Item = {"keep_alive": FOREVER if before.get("forever") else OLLAMAS_DEFAULT_S}
    if before.get("num_ctx"):
        options["num_ctx"] = before["num_ctx"]
    return {**item, "with": options}
