"""What has to be true of the rows of models and their tasks, whatever has happened to the panel."""

from __future__ import annotations

from collections.abc import Iterator

from models_app.choices import PASSING
from models_app.models import OllamaModel
from models_app.ollama.names import ModelName
from models_app.services.states import status_now
from tasks_app.choices import LIVE
from tasks_app.invariants import broken_rules as broken_rules_of_tasks
from tasks_app.models import Task


def broken_rules(newest: int | None = None) -> list[str]:
    """A sentence for each row that contradicts itself, its task or its family.

    Looks at so many of the newest models and tasks, or at all.
    """
    models = OllamaModel.objects.select_related("server", "last_task").order_by("-pk")[:newest]
    broken = [f"model {row.pk} ({row.name}): {r}" for row in models.iterator(500) for r in _of(row)]
    return [*broken_rules_of_tasks(newest), *_tasks_without_models(newest), *broken]


def _of(model: OllamaModel) -> Iterator[str]:
    task = model.last_task
    is_worked_on = task is not None and task.is_live
    if model.status in PASSING and not is_worked_on:
        yield f"is {model.status} without a live task"
    if model.status != status_now(model):
        state = task.state if task else "no task"
        yield f"is {model.status}, with {state} and loaded={model.is_loaded}"
    if model.is_loaded != bool(model.loaded):
        yield f"says is_loaded={model.is_loaded} and loaded={model.loaded}"
    if model.key != ModelName.parse(model.name).key:
        yield f"has the key {model.key}"


def _tasks_without_models(newest: int | None) -> Iterator[str]:
    live = Task.objects.filter(resource_type="model", state__in=LIVE).order_by("-pk")[:newest]
    for task in live.iterator(500):
        model = OllamaModel.objects.filter(pk=task.resource_id or 0).first()
        if model is None or model.last_task_id != task.pk:
            yield f"task {task.pk} ({task.type}) is {task.state}, but its model does not know of it"
