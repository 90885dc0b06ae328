"""On which server the model of a task is, or was; also of one that answers in a chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models_app.models import OllamaModel, OllamaServer
from tasks_app.models import Task


def servers_of_models(tasks: Sequence[Task]) -> dict[int, str]:
    """The names of the servers, by the tasks' ids: of the model's row, else as the task has written
    it down when it was made. Of a task of an older version whose model is gone nobody may know."""
    ids = {task.resource_id for task in tasks if task.resource_id is not None}
    rows = OllamaModel.objects.filter(pk__in=ids).order_by().values_list("pk", "server_id")
    found: dict[int | None, int] = dict(rows)
    return _names(tasks, {task.pk: found.get(task.resource_id) or _noted(task) for task in tasks})


def servers_of_chats(tasks: Sequence[Task]) -> dict[int, str]:
    """The names of the servers that answered, by the tasks' ids, as each has written it down: its
    chat may go on elsewhere. Of a task of an older version nobody knows."""
    return _names(tasks, {task.pk: _noted(task) for task in tasks})


def _names(tasks: Sequence[Task], wanted: Mapping[int, int | None]) -> dict[int, str]:
    servers = OllamaServer.objects.filter(pk__in={pk for pk in wanted.values() if pk is not None})
    names = dict(servers.order_by().values_list("pk", "name"))
    places = {task.pk: names.get(wanted[task.pk] or 0) or _noted_name(task) for task in tasks}
    return {task: name for task, name in places.items() if name}


def _noted(task: Task) -> int | None:
    """Its server's id: as every task says it now, or as only parts of batches and copies did."""
    for name in ("place", "before"):
        server = _part(task, name).get("server")
        if isinstance(server, int):
            return server
    return None


def _noted_name(task: Task) -> str:
    """What the server was called that is gone by now."""
    name = _part(task, "place").get("name")
    return name if isinstance(name, str) else ""


def _part(task: Task, name: str) -> Mapping[str, Any]:
    payload: object = task.payload
    part = payload.get(name) if isinstance(payload, Mapping) else None
    return part if isinstance(part, Mapping) else {}


PLACERS = {"model": servers_of_models, "chat": servers_of_chats}
