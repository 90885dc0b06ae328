"""What `/api/ps` says, in the rows of the models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from models_app.choices import ModelStatus
from models_app.facts import InMemory
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.types import LoadedModel
from models_app.services.states import save_model, status_now, take_facts
from tasks_app.models import Task

# Between workers' clocks and the database's.
SKEW = timedelta(seconds=1)


def mirror_loaded(server: OllamaServer, entries: Sequence[LoadedModel], asked_at: datetime) -> bool:
    """Bring the rows in line with what was in memory at `asked_at`.

    Returns whether it names a model that the panel does not know of. Only rows that are in memory,
    or were, are read; a row whose task has ended since is right already.
    """
    memory = InMemory(entries)
    concerned = Q(is_loaded=True) | Q(key__in=memory.keys) | Q(digest__in=memory.digests)
    rows = OllamaModel.objects.locked().filter(concerned, server=server)
    known = set()
    for row in rows.order_by("pk"):
        row.server = server  # with the status that was just found
        if row.is_installed:
            known.add(row.key)
        if not ended_since(row.last_task, asked_at):
            _mirror(row, memory)
    return bool(memory.keys - known)


def ended_since(task: Task | None, asked_at: datetime) -> bool:
    """Whether a task has ended too late for a server's answer to know of it.

    An end in the future was written before the clock was put back: that was long ago.
    """
    ended_at = task.finished_at if task else None
    return ended_at is not None and asked_at - SKEW <= ended_at <= timezone.now() + SKEW


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
