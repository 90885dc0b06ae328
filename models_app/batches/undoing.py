"""What brings back what a batch has changed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from models_app.batch_models import Batch
from models_app.batches.operations import KINDS, MADE_HERE
from models_app.batches.reserving import guess
from models_app.batches.words import Operation
from models_app.choices import Source
from ollamactl.lib.sentences import Sentence, to_stored
from tasks_app.choices import State
from tasks_app.models import Task

OLDER_VERSION = Sentence(gettext_noop("Its registry does not keep the older version."))
OLLAMAS_DEFAULT_S = 300
Item = dict[str, Any]


def can_undo(operation: str) -> bool:
    """Whether anything brings back what this operation does."""
    return operation in Operation.values and KINDS[Operation(operation)].undone_by is not None


def undo_items(batch: Batch) -> tuple[list[Item], list[Item]]:
    """For each child that succeeded: what undoes it, and those that nothing brings back."""
    done = Task.objects.filter(parent_id=batch.task_id, state=State.SUCCEEDED).order_by("pk")
    items: list[Item] = []
    skipped: list[Item] = []
    rows = done.values_list("resource_id", "resource_name", "payload")
    for model_id, name, payload in rows.iterator(2000):
        before = (payload or {}).get("before") or {}
        item = {"model": model_id, "server": before.get("server"), "name": name}
        refusal = _refusal(batch.operation, before)
        if refusal is None:
            items.append(_undoing(batch.operation, item, before))
        else:
            code, detail = refusal
            skipped.append({**item, "code": code, "detail": to_stored(detail)})
    return items, skipped


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
    options: Item = {"keep_alive": -1 if before.get("forever") else OLLAMAS_DEFAULT_S}
    if before.get("num_ctx"):
        options["num_ctx"] = before["num_ctx"]
    return {**item, "with": options}
