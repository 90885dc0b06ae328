"""What `/api/ps` says, in the rows of the models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from models_app.choices import ModelStatus
from models_app.facts import InMemory
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.types import LoadedModel
from models_app.services.states import save_model, status_now, take_facts

# Between workers' clocks and the database's.
SKEW = timedelta(seconds=1)


def mirror_loaded(server: OllamaServer, entries: Sequence[LoadedModel], asked_at: datetime) -> bool:
    """Bring the rows in line with what was in memory at `asked_at`.

    Returns whether it names a model that the panel does not know of. Only rows that are in memory,
    or were, are read; a row whose task has ended since is right already.
    """
    memory = InMemory(entries)
    concerned = Q(is_loaded=True) | Q(key__in=memory.keys) | Q(digest__in=memory.digests)
    rows = (
        OllamaModel.objects.select_for_update(of=("self",))
        .select_related("server", "last_task")
        .filter(concerned, server=server)
        .order_by("pk")
    )
    known = set()
    for row in rows:
        row.server = server  # with the status that was just found
        if row.is_installed:
            known.add(row.key)
        ended_at = row.last_task.finished_at if row.last_task else None
        if ended_at is None or ended_at < asked_at - SKEW:
            _mirror(row, memory)
    return bool(memory.keys - known)


def _mirror(row: OllamaModel, memory: InMemory) -> None:
    changed = take_facts(row, {"loaded": memory.facts(key=row.key, digest=row.digest)})
    status = status_now(row)
    if row.status != status:
        if status == ModelStatus.RUNNING:
            row.message = ""
        row.status = status
        changed += ["status", "message"]
    if changed:
        save_model(row, *changed)
