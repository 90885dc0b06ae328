"""Which models a batch has left out, and why."""

from __future__ import annotations

from collections.abc import Sequence

from models_app.batch_models import Batch
from models_app.models import OllamaModel, OllamaServer
from ollamactl.lib.parameters import these
from ollamactl.lib.sentences import from_stored
from tasks_app.left_out import Kept, LeftOut, Teller
from tasks_app.models import Task


def models_left_out(task: Task) -> list[Kept]:
    """Those that the plan of the batch has left out, in the plan's order."""
    skipped = Batch.objects.filter(task=task).values_list("skipped", flat=True).first()
    return skipped or []


def in_words(some: Sequence[Kept]) -> list[LeftOut]:
    """These with the names of their servers; of a server that is gone the one that it had."""
    ids = {item["model"] for item in some if item["model"] is not None}
    rows = OllamaModel.objects.filter(pk__in=these(sorted(ids)))
    there = set(rows.order_by().values_list("pk", flat=True))
    servers = OllamaServer.objects.filter(pk__in={item["server"] for item in some} - {None})
    names = dict(servers.order_by().values_list("pk", "name"))
    return [
        LeftOut(
            resource_type="model",
            resource_id=item["model"] if item["model"] in there else None,
            resource_name=item["name"],
            place=names.get(item["server"]) or item.get("place", ""),
            code=item["code"],
            detail=str(from_stored(item["detail"])),
        )
        for item in some
    ]


TELLERS = {name: Teller(models_left_out, in_words) for name in ("model.batch", "model.rollback")}
