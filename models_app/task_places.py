"""On which server the model of a task is, or was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models_app.models import OllamaModel, OllamaServer
from tasks_app.models import Task


def servers_of_models(tasks: Sequence[Task]) -> dict[int, str]:
    """The names of the servers, by the tasks' ids: of the model's row, else as a batch or a copy
    has written it down; of what is gone without that nobody knows it."""
    ids = {task.resource_id for task in tasks if task.resource_id is not None}
    rows = OllamaModel.objects.filter(pk__in=ids).order_by().values_list("pk", "server_id")
    found: dict[int | None, int] = dict(rows)
    wanted = {task.pk: found.get(task.resource_id) or _noted(task) for task in tasks}
    servers = OllamaServer.objects.filter(pk__in={pk for pk in wanted.values() if pk is not None})
    names = dict(servers.order_by().values_list("pk", "name"))
    return {task: names[pk] for task, pk in wanted.items() if pk in names}


def _noted(task: Task) -> int | None:
    payload: object = task.payload
    before = payload.get("before") if isinstance(payload, Mapping) else None
    server = before.get("server") if isinstance(before, Mapping) else None
    return server if isinstance(server, int) else None


PLACERS = {"model": servers_of_models}
