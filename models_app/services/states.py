"""Bringing a model's row in line with its task and with what the server says.

Only here is it decided what `OllamaModel.status` is: see `status_now`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from models_app.choices import ModelStatus
from models_app.events import announce_model
from models_app.models import OllamaModel, OllamaServer
from ollamactl.lib.bulk import save_together
from ollamactl.lib.errors import Conflict
from ollamactl.lib.parameters import these
from ollamactl.lib.sentences import Sentence, from_stored
from tasks_app.choices import LIVE, State
from tasks_app.models import Task
from tasks_app.runners import runner_of
from tasks_app.sequence import next_seq

# What a server's answer or a task's result may set on a row.
FACTS = (
    "name",
    "digest",
    "size",
    "family",
    "parameter_size",
    "quantization",
    "context_length",
    "kv_cache",
    "parameter_lines",
    "modified_at",
    "loaded",
    "outdated",
)
# Of these what was said of one version says nothing of another.
ONLY_SHOWN = ("kv_cache", "context_length", "parameter_lines")
GONE_FROM_PANEL = Sentence(gettext_noop("This model is gone from the panel. Add it again."))
BROKEN = (State.FAILED, State.CANCELLED)
# A model that is loaded stays `running` through these: its task shows the work.
UNSEEN_WHILE_LOADED = (
    ModelStatus.WAITING,
    ModelStatus.DOWNLOADING,
    ModelStatus.PAUSED,
    ModelStatus.CREATING,
)


def locked_models(ids: Iterable[int | None]) -> dict[int, OllamaModel]:
    """The rows as they are now, locked for the transaction, by their ids; those that are gone are
    left out."""
    wanted = these([pk for pk in ids if pk is not None])
    return {
        row.pk: row for row in OllamaModel.objects.locked().filter(pk__in=wanted).order_by("pk")
    }


def locked_model(task: Task) -> OllamaModel | None:
    """The model of a task, locked for the transaction; None when it is gone."""
    return locked_models([task.resource_id]).get(task.resource_id or 0)


def attach(model: OllamaModel, task: Task) -> None:
    """Make `task` the model's task; `Conflict` while another one is live."""
    other = model.last_task
    if other is not None and other.pk != task.pk and other.state in LIVE:
        raise busy(model, other)
    model.last_task = task


def busy(model: OllamaModel, task: Task) -> Conflict:
    """The error for work on a model that has work under way."""
    text = gettext_noop("“{name}” is being worked on already. Wait for it, or cancel that first.")
    return Conflict(Sentence(text, name=model.name), extra={"task": task.pk, "model": model.pk})


def status_now(model: OllamaModel) -> ModelStatus:
    """What the status has to be: by the live task, else by what the server has and runs."""
    task = model.last_task
    if task is None or task.state not in LIVE:
        return rest_status(model)
    status = _passing_status(task)
    hidden = model.is_loaded and status in UNSEEN_WHILE_LOADED
    return ModelStatus.RUNNING if hidden else status


def rest_status(model: OllamaModel) -> ModelStatus:
    """The status of a model that nobody works on."""
    return _resting(model.is_loaded, model.is_installed)


def _resting(is_loaded: bool, is_installed: bool) -> ModelStatus:
    if is_loaded:
        return ModelStatus.RUNNING
    return ModelStatus.STOPPED if is_installed else ModelStatus.ERROR


def save_model(model: OllamaModel, *fields: str) -> None:
    """Save some fields under a new version number and announce the row."""
    save_models([model], fields)


def save_models(models: Sequence[OllamaModel], fields: Iterable[str]) -> None:
    """Save some fields of locked rows by one statement, each under a new version number, and
    announce them."""
    seq = next_seq(max((model.seq for model in models), default=0))
    for model in models:
        model.seq = seq
    save_together(models, [*dict.fromkeys(fields), "seq"])
    for model in models:
        announce_model(model)


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
            if name == "loaded" and _was_used(model.loaded, value):
                model.last_used_at = timezone.now()
                changed.append("last_used_at")
            setattr(model, name, value)
            changed.append(name)
    if "digest" in changed and "outdated" not in facts and model.outdated is not None:
        model.outdated = None  # of another version nobody has asked yet
        changed.append("outdated")
    for name in ONLY_SHOWN if "digest" in changed else ():
        if name not in facts and getattr(model, name) is not None:
            setattr(model, name, None)
            changed.append(name)
    if model.is_loaded != bool(model.loaded):
        model.is_loaded = bool(model.loaded)
        changed.append("is_loaded")
    return changed


def fields_of_new(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that is made of nothing but these facts, as `take_facts` would set them,
    and its status."""
    fields = {name: facts[name] for name in FACTS if name in facts}
    if isinstance(moment := fields.get("modified_at"), str):
        fields["modified_at"] = datetime.fromisoformat(moment)
    is_loaded = bool(fields.get("loaded"))
    if is_loaded:
        fields["last_used_at"] = timezone.now()
    fields["is_loaded"] = is_loaded
    fields["status"] = _resting(is_loaded, bool(fields.get("digest")))
    return fields


def _was_used(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    """Loading is a use, and each request to a loaded model moves the moment at which it leaves."""
    if now is None:
        return False
    return before is None or before.get("expires_at") != now["expires_at"]


def settle_model(task: Task) -> None:
    """`settle_models` for one task."""
    settle_models([task])


def settle_models(tasks: Sequence[Task]) -> None:
    """The common rule from tasks' states to their models' rows.

    While a task lives its model shows it. At the end the model rests again: a success takes the
    result's facts, a failure leaves its sentence as the message and touches nothing that is there.
    """
    models = locked_models(task.resource_id for task in tasks)
    settled: list[OllamaModel] = []
    fields = {"status", "message"}
    for task in tasks:
        model = models.get(task.resource_id or 0)
        if model is None:
            if task.state == State.QUEUED:
                raise Conflict(GONE_FROM_PANEL)
        elif task.state in LIVE:
            attach(model, task)
            fields.add("last_task")
            settled.append(_showing(model, _failure(task)))
        elif model.last_task_id == task.pk:
            fields.update(_take_result(model, task))
            settled.append(_showing(model, _message(task)))
    save_models(settled, sorted(fields))
    _doubt_lists({task.resource_id for task in tasks if task.state in BROKEN}, settled)


def _take_result(model: OllamaModel, task: Task) -> list[str]:
    return take_facts(model, task.result or {}) if task.state == State.SUCCEEDED else []


def _message(task: Task) -> object:
    """What a model says of the task that has ended."""
    if task.state == State.CANCELLED:
        return Sentence(gettext_noop("Cancelled."))
    return _failure(task) if task.state == State.FAILED else ""


def _showing(model: OllamaModel, message: object) -> OllamaModel:
    model.status, model.message = status_now(model), message
    return model


def _doubt_lists(broken: Collection[int | None], models: Iterable[OllamaModel]) -> None:
    """Nobody knows how far a broken task came: its server's list is read again at its next check.

    After the commit, since checks lock a server before its models.
    """
    ids = {model.server_id for model in models if model.pk in broken}
    if ids:
        servers = OllamaServer.objects.filter(pk__in=ids)
        transaction.on_commit(lambda: servers.update(tags_hash="", tags_seen_at=None))


def _passing_status(task: Task) -> ModelStatus:
    """What a type of task shows while it waits and while it works, as its runner says."""
    if task.state == State.PAUSED:
        return ModelStatus.PAUSED
    moment = "queued" if task.state == State.QUEUED else "running"
    status: ModelStatus = getattr(runner_of(task.type), moment, ModelStatus.WAITING)
    return status


def _failure(task: Task) -> Sentence:
    return from_stored(str((task.error or {}).get("detail", "")))
