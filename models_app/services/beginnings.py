"""What every beginning of work on a model shares: its row locked and idle, its task, its record."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.past import take_back
from models_app.services.states import GONE_FROM_PANEL, busy
from ollamactl.lib.errors import Conflict
from ollamactl.lib.sentences import Sentence
from tasks_app import services as tasks
from tasks_app.choices import LIVE
from tasks_app.models import Task
from tasks_app.sequence import next_seq


def locked(model: OllamaModel) -> OllamaModel:
    """The row as it is now, locked for the transaction; `Conflict` when it is gone."""
    row: OllamaModel | None = OllamaModel.objects.locked().filter(pk=model.pk).first()
    if row is None:
        raise Conflict(GONE_FROM_PANEL)
    return row


def idle(model: OllamaModel) -> OllamaModel:
    """The locked row; `Conflict` while a task works on it."""
    row = locked(model)
    if row.last_task is not None and row.last_task.state in LIVE:
        raise busy(row, row.last_task)
    return row


def row_for(server: OllamaServer, name: ModelName) -> OllamaModel:
    """The locked row of a name on a server, made when there is none."""
    row = OllamaModel.objects.filter(server=server, key=name.key).first()
    if row is None:
        try:
            with transaction.atomic():
                row = OllamaModel.objects.create(
                    server=server,
                    name=name.display,
                    key=name.key,
                    source=Source(name.source),
                    status=ModelStatus.WAITING,
                    seq=next_seq(0),
                )
                take_back([row])
        except IntegrityError:  # somebody asked for the same at the same moment
            row = OllamaModel.objects.get(server=server, key=name.key)
    return idle(row)


def begin_task(
    *,
    actor: Actor,
    model: OllamaModel,
    type: str,
    payload: dict[str, Any] | None = None,
    limit_key: str = "",
    data: dict[str, Any] | None = None,
    parent: Task | None = None,
    priority: int = 0,
) -> Task:
    """Queue one task of a locked, idle model and record who asked for it."""
    task = tasks.create_task(
        type=type,
        actor=actor,
        resource_type="model",
        resource_id=model.pk,
        resource_name=model.name,
        payload=payload,
        limit_key=limit_key,
        parent=parent,
        priority=priority,
    )
    record_action(
        actor=actor,
        verb=type,
        resource_type="model",
        resource_id=model.pk,
        resource_name=model.name,
        data={"server": model.server.name, "task": task.pk, **(data or {})},
    )
    return task


def require_server(server: OllamaServer) -> None:
    """`Conflict` where it is gone. Locks the row: it is not forgotten while work on it begins."""
    if not OllamaServer.objects.select_for_update().filter(pk=server.pk).exists():
        raise Conflict(_("This server is gone from the panel."))


def require_installed(model: OllamaModel) -> None:
    """`Conflict` for a model that its server does not have yet."""
    if not model.is_installed:
        text = gettext_noop("“{name}” is not on the server yet. Pull it first.")
        raise Conflict(Sentence(text, name=model.name))


def fresh(model: OllamaModel) -> OllamaModel:
    """The row as it is now, with everything that is shown of it."""
    row: OllamaModel = OllamaModel.objects.for_display().get(pk=model.pk)
    return row
