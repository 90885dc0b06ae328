"""Bringing a model's row in line with its task and with what the server says.

The only place that writes `OllamaModel.status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from models_app.choices import ModelStatus
from models_app.events import announce_model
from models_app.models import OllamaModel
from ollamactl.lib.errors import Conflict
from ollamactl.lib.sentences import Sentence, from_stored
from tasks_app.choices import LIVE, State
from tasks_app.models import Task
from tasks_app.sequence import next_seq

# What a server's answer or a task's result may set on a row.
FACTS = (
    "digest",
    "size",
    "family",
    "parameter_size",
    "quantization",
    "context_length",
    "modified_at",
    "loaded",
)


def locked_model(task: Task) -> OllamaModel | None:
    """The model of a task, locked for the transaction; None when it is gone."""
    return (
        OllamaModel.objects.select_for_update(of=("self",))
        .select_related("server", "last_task")
        .filter(pk=task.resource_id or 0)
        .first()
    )


def attach(model: OllamaModel, task: Task) -> None:
    """Make `task` the model's task; `Conflict` while another one is live."""
    other = model.last_task
    if other is not None and other.pk != task.pk and other.state in LIVE:
        raise busy(model, other)
    model.last_task = task


def busy(model: OllamaModel, task: Task) -> Conflict:
    """The error for work on a model that has work under way."""
    return Conflict(
        _("“%(name)s” is being worked on already. Wait for it, or cancel that first.")
        % {"name": model.name},
        extra={"task": task.pk, "model": model.pk},
    )


def set_status(model: OllamaModel, status: ModelStatus, message: object = "") -> None:
    """Write the status with its message, and tell everybody on commit."""
    model.status = status
    model.message = message
    save_model(model, "status", "message", "last_task")


def save_model(model: OllamaModel, *fields: str) -> None:
    """Save some fields under a new version number and announce the row."""
    model.seq = next_seq(model.seq)
    model.save(update_fields=[*fields, "seq"])
    announce_model(model)


def rest_status(model: OllamaModel) -> ModelStatus:
    """The status of a model that nobody works on."""
    if model.is_loaded:
        return ModelStatus.RUNNING
    return ModelStatus.STOPPED if model.is_installed else ModelStatus.ERROR


def take_facts(model: OllamaModel, facts: Mapping[str, Any]) -> list[str]:
    """Set what is known of a model; returns the names of the fields that changed."""
    changed = []
    for name in FACTS:
        if name not in facts:
            continue
        value = facts[name]
        if name == "modified_at" and isinstance(value, str):
            value = datetime.fromisoformat(value)
        if getattr(model, name) != value:
            setattr(model, name, value)
            changed.append(name)
    if "loaded" in facts and model.is_loaded != bool(facts["loaded"]):
        model.is_loaded = bool(facts["loaded"])
        changed.append("is_loaded")
    return changed


def settle_model(task: Task, *, queued: ModelStatus, running: ModelStatus) -> None:
    """The common rule from a task's state to its model's status.

    While the task lives the model shows `queued` or `running`, but a model that is loaded stays
    `running` (its task shows the work). At the end the model rests again: a success takes the
    result's facts, a failure leaves its sentence as the message and never touches what is there.
    """
    model = locked_model(task)
    if model is None:
        if task.state == State.QUEUED:
            raise Conflict(_("This model is gone from the panel. Add it again."))
        return
    if task.state in LIVE:
        attach(model, task)
        passing = {
            State.QUEUED: queued,
            State.RUNNING: running,
            State.PAUSED: ModelStatus.PAUSED,
        }[State(task.state)]
        keep_running = model.is_loaded and passing in (
            ModelStatus.WAITING,
            ModelStatus.DOWNLOADING,
            ModelStatus.PAUSED,
        )
        set_status(model, ModelStatus.RUNNING if keep_running else passing, _failure(task))
        return
    if model.last_task_id != task.pk:
        return
    if task.state == State.SUCCEEDED:
        changed = take_facts(model, task.result or {})
        model.status, model.message = rest_status(model), ""
        save_model(model, "status", "message", *changed)
        return
    message = _failure(task) if task.state == State.FAILED else Sentence(gettext_noop("Cancelled."))
    set_status(model, rest_status(model), message)


def _failure(task: Task) -> Sentence:
    return from_stored(str((task.error or {}).get("detail", "")))
