"""A second name for a model, and another name instead of the one that it has."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel
from models_app.ollama.names import ModelName
from models_app.services.beginnings import (
    begin_task,
    fresh,
    idle,
    require_installed,
    require_server,
    row_for,
)
from models_app.services.lifecycle import parse_name
from models_app.services.states import (
    busy,
    locked_model,
    save_model,
    settle_model,
    status_now,
)
from models_app.services.sync import forget_model
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import LIVE, State
from tasks_app.models import Task
from tasks_app.sequence import next_seq

COPY = "models_app.copy_ollamamodel"


@dataclass(frozen=True)
class Begun:
    """Work on its way, and the model that it makes or changes."""

    model: OllamaModel
    task: Task


def copy_model(*, actor: Actor, model: OllamaModel, name: str) -> Begun:
    """Queue the copy of an installed model under a second name on its server.

    Raises `InvalidInput` (attr `name`), `Conflict` (code `exists`) where the name is taken,
    `Conflict` while either of the two is worked on, `NotPermitted`.
    """
    actor.require(COPY)
    parsed = parse_name(name)
    with transaction.atomic():
        source = locked_source(model, parsed)
        copy = row_beside(source, parsed)
        task = begin_task(
            actor=actor,
            model=copy,
            type="model.copy",
            payload={"source": source.name},
            data={"source": source.name},
        )
    return Begun(fresh(copy), task)


def rename_model(*, actor: Actor, model: OllamaModel, name: str) -> Begun:
    """Queue the renaming of an installed model; its row keeps its id and its history.

    Raises as `copy_model` does. The new name is taken from now on.
    """
    actor.require(COPY)
    parsed = parse_name(name)
    with transaction.atomic():
        source = locked_source(model, parsed)
        task = begin_task(
            actor=actor,
            model=source,
            type="model.rename",
            payload={"name": parsed.display, "digest": source.digest},
            data={"name": parsed.display},
        )
    return Begun(fresh(source), task)


def settle_rename(task: Task) -> None:
    """Bring the model and the row that holds its new name in line with the task's state.

    While the task lives a second row keeps the name from everybody else; at the end it goes, and
    after a success the model has its name.
    """
    if task.state in LIVE:
        settle_model(task)
        _reserve_name(task)
        return
    model = locked_model(task)
    if model is not None:
        _release_name(task, model)
        if task.state == State.SUCCEEDED:
            model.key, model.source = _new_name(task).key, Source.LOCAL
            model.save(update_fields=["key", "source"])
    settle_model(task)


def locked_source(model: OllamaModel, name: ModelName) -> OllamaModel:
    """The locked row of what is copied; its server is locked first, as everywhere."""
    require_server(model.server)
    source = idle(model)
    require_installed(source)
    if source.key == name.key:
        raise InvalidInput(
            _("This is its name already. Choose another one."), code="same_name", attr="name"
        )
    return source


def row_beside(source: OllamaModel, name: ModelName) -> OllamaModel:
    """The row of a model that is made out of another on its server. `Conflict`: it is there."""
    row = row_for(source.server, name)
    if row.is_installed:
        raise name_taken(row)
    row.source = Source.LOCAL
    row.save(update_fields=["source"])
    return row


def _reserve_name(task: Task) -> None:
    model = locked_model(task)
    if model is None:
        return
    name = _new_name(task)
    row = OllamaModel.objects.filter(server=model.server, key=name.key).first()
    if row is None:
        row = OllamaModel(
            server=model.server,
            name=name.display,
            key=name.key,
            source=Source.LOCAL,
            status=ModelStatus.CREATING,
            last_task=task,
            seq=next_seq(0),
        )
        row.save()
    elif row.is_installed:
        raise name_taken(row)
    elif row.last_task is not None and row.last_task_id != task.pk and row.last_task.state in LIVE:
        raise busy(row, row.last_task)
    row.last_task = task
    row.status, row.message = status_now(row), ""
    save_model(row, "status", "message", "last_task")


def _release_name(task: Task, model: OllamaModel) -> None:
    """Forget the row that kept the name; what a sync has found under it stays."""
    rows = OllamaModel.objects.filter(server=model.server, key=_new_name(task).key)
    for row in rows.exclude(pk=model.pk).filter(last_task=task):
        forget_model(row.pk)


def _new_name(task: Task) -> ModelName:
    return ModelName.parse(task.payload["name"])


def name_taken(model: OllamaModel) -> Conflict:
    """What is wrong where a name is to be given to another model."""
    text = gettext_noop(
        "“{name}” is on this server already. Choose another name, or delete that one first."
    )
    return Conflict(
        Sentence(text, name=model.name), code="exists", attr="name", extra={"model": model.pk}
    )
