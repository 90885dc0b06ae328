"""What every beginning of work on a model shares: its row locked and idle, its task, its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from audit_app.services import Action, record_actions
from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.past import take_back
from models_app.services.states import GONE_FROM_PANEL, busy, locked_models
from ollamactl.lib.errors import ApplicationError, Conflict
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import LIVE
from tasks_app.creation import NewTask, create_tasks
from tasks_app.models import Task
from tasks_app.sequence import next_seq


@dataclass(frozen=True)
class Beginning:
    """One of several pieces of work of one kind.

    `model` is the locked, idle row. With a `refusal` the work cannot begin; then it may be None,
    and `name`, `model_id`, `server_id` and `server_name` say which one it was. `data` is for the
    record of who asked.
    """

    model: OllamaModel | None
    name: str = ""
    model_id: int | None = None
    server_id: int | None = None
    server_name: str = ""
    payload: dict[str, Any] | None = None
    limit_key: str = ""
    data: Mapping[str, Any] | None = None
    refusal: ApplicationError | None = None


def locked(model: OllamaModel) -> OllamaModel:
    """The row as it is now, locked for the transaction; `Conflict` when it is gone."""
    row = locked_models([model.pk]).get(model.pk)
    if row is None:
        raise Conflict(GONE_FROM_PANEL)
    return row


def idle(model: OllamaModel) -> OllamaModel:
    """The locked row; `Conflict` while a task works on it."""
    row = locked(model)
    require_idle(row)
    return row


def require_idle(row: OllamaModel) -> None:
    """`Conflict` while a task works on the row."""
    if row.last_task is not None and row.last_task.state in LIVE:
        raise busy(row, row.last_task)


def row_for(server: OllamaServer, name: ModelName) -> OllamaModel:
    """The locked, idle row of a name on a server, made when there is none."""
    pk = rows_for([(server, name)]).get((server.pk, name.key))
    return idle(OllamaModel(pk=pk))


def rows_for(names: Sequence[tuple[OllamaServer, ModelName]]) -> dict[tuple[int, str], int]:
    """`ids_of`, with rows made where there is none. Lock the servers first."""
    there = ids_of(names)
    new = {(server.pk, name.key): (server, name) for server, name in names}
    rows = [_new_row(*new[key]) for key in new if key not in there]
    if not rows:
        return there
    # Somebody else may ask for the same at the same moment.
    OllamaModel.objects.bulk_create(rows, ignore_conflicts=True)
    ids = ids_of(names)
    for row in rows:
        row.pk = ids.get((row.server_id, row.key))
    for server_id in sorted({row.server_id for row in rows}):
        take_back([row for row in rows if row.server_id == server_id and row.pk])
    return ids


def ids_of(names: Sequence[tuple[OllamaServer, ModelName]]) -> dict[tuple[int, str], int]:
    """The ids of the rows that names on servers have, by the server's id and the key."""
    wanted = {(server.pk, name.key) for server, name in names}
    if not wanted:
        return {}
    rows = OllamaModel.objects.filter(
        server__in={server for server, _key in wanted}, key__in={key for _server, key in wanted}
    )
    by_name = rows.order_by().values_list("pk", "server_id", "key")
    found = {(server, key): pk for pk, server, key in by_name}
    return {each: found[each] for each in wanted if each in found}


def _new_row(server: OllamaServer, name: ModelName) -> OllamaModel:
    return OllamaModel(
        server=server,
        name=name.display,
        key=name.key,
        source=Source(name.source),
        status=ModelStatus.WAITING,
        seq=next_seq(0),
    )


def begin_task(
    *,
    actor: Actor,
    model: OllamaModel,
    type: str,
    payload: dict[str, Any] | None = None,
    limit_key: str = "",
    data: dict[str, Any] | None = None,
) -> Task:
    """Queue one task of a locked, idle model and record who asked for it."""
    one = Beginning(model, payload=payload, limit_key=limit_key, data=data)
    [task] = begin_tasks(actor=actor, type=type, beginnings=[one])
    return task


def begin_tasks(
    *,
    actor: Actor,
    type: str,
    beginnings: Sequence[Beginning],
    parent: Task | None = None,
    priority: int = 0,
    after: int = 0,
) -> list[Task]:
    """Queue tasks of one kind in their order, behind the rank `after`, and record who asked.

    What is refused becomes a task that has failed.
    """
    made = create_tasks(
        type=type,
        actor=actor,
        new=[_new_task(one) for one in beginnings],
        parent=parent,
        priority=priority,
        after=after,
    )
    record_actions(
        actor=actor,
        verb=type,
        actions=[
            _action(one.model, task, one.data)
            for one, task in zip(beginnings, made, strict=True)
            if one.model is not None and one.refusal is None
        ],
    )
    return made


def _new_task(one: Beginning) -> NewTask:
    return NewTask(
        resource_type="model",
        resource_id=one.model.pk if one.model is not None else one.model_id,
        resource_name=one.model.name if one.model is not None else one.name,
        payload={**(one.payload or {}), "place": _place(one)},
        limit_key=one.limit_key,
        refusal=one.refusal,
    )


def _place(one: Beginning) -> dict[str, Any]:
    """Where the model is, for when its row, and perhaps its server's, is gone."""
    if one.model is None:
        return {"server": one.server_id, "name": one.server_name}
    return {"server": one.model.server_id, "name": one.model.server.name}


def _action(model: OllamaModel, task: Task, data: Mapping[str, Any] | None) -> Action:
    said = {"server": model.server.name, "task": task.pk, **(data or {})}
    return Action("model", model.pk, model.name, said)


def require_server(server: OllamaServer) -> None:
    """`Conflict` where it is gone. Locks the row: it is not forgotten while work on it begins."""
    if not locked_servers([server.pk]):
        raise Conflict(_("This server is gone from the panel."))


def locked_servers(ids: Iterable[int]) -> dict[int, OllamaServer]:
    """The rows of servers, locked for the transaction; always before those of their models."""
    rows = OllamaServer.objects.select_for_update().filter(pk__in=list(ids))
    return {row.pk: row for row in rows.order_by("pk")}


def require_installed(model: OllamaModel) -> None:
    """`Conflict` for a model that its server does not have yet."""
    if not model.is_installed:
        text = gettext_noop("“{name}” is not on the server yet. Pull it first.")
        raise Conflict(Sentence(text, name=model.name))


def fresh(model: OllamaModel) -> OllamaModel:
    """The row as it is now, with everything that is shown of it."""
    row: OllamaModel = OllamaModel.objects.for_display().get(pk=model.pk)
    return row
