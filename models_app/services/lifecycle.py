"""What people do with models."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from models_app.local_runner import may_be_forced
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.pulls import PULL_TYPE, pulls_key
from models_app.resources.verdict import BLOCK, Preflight
from models_app.services.beginnings import (
    begin_task,
    fresh,
    idle,
    require_idle,
    require_installed,
    require_server,
    row_for,
)
from models_app.services.preflight import check_pull
from models_app.services.starting import FOREVER, start_options
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.lib.sentences import Sentence
from tasks_app import services as tasks
from tasks_app.choices import LIVE
from tasks_app.models import Task

PULL = "models_app.pull_ollamamodel"
START = "models_app.start_ollamamodel"
STOP = "models_app.stop_ollamamodel"
DELETE = "models_app.delete_ollamamodel"
OVERRIDE = "models_app.override_preflight"


@dataclass(frozen=True)
class Pull:
    """A pull on its way."""

    model: OllamaModel
    task: Task
    preflight: Preflight


def pull_model(*, actor: Actor, server: OllamaServer, name: str, override: bool = False) -> Pull:
    """Check, then queue the pull of a model.

    Raises `InvalidInput` (attr `name`) for a bad name, `Conflict` (code `conflict`, extra
    `{"task": id, "model": id}`) when it is on its way already, `Conflict` (code
    `insufficient_resources`, extra `{"preflight": …}`) when the check blocks it, `NotPermitted`.
    """
    actor.require(PULL)
    if override:
        actor.require(OVERRIDE)
    parsed = parse_name(name)
    _refuse_if_busy(server, parsed)
    preflight = check_pull(server=server, name=parsed.display)
    if preflight.verdict == BLOCK and not override:
        raise Conflict(
            _("The resource check says no: %(reasons)s") % {"reasons": preflight.sentence()},
            code="insufficient_resources",
            extra={"preflight": preflight.as_json()},
        )
    with transaction.atomic():
        require_server(server)
        model = row_for(server, parsed)
        task = begin_task(
            actor=actor,
            model=model,
            type=PULL_TYPE,
            payload={"override": override, "needed": preflight.download_bytes},
            limit_key=pulls_key(server.pk),
            data={
                "override": override,
                "preflight": preflight.verdict,
                "reasons": [reason["code"] for reason in preflight.reasons],
            },
        )
    return Pull(model=fresh(model), task=task, preflight=preflight)


def parse_name(name: str) -> ModelName:
    """Read a model's name as people type it; `InvalidInput` with attr `name` says what is wrong."""
    try:
        return ModelName.parse(name)
    except InvalidInput as error:
        raise InvalidInput(error.detail, code=error.code, attr="name") from error


def start_model(
    *,
    actor: Actor,
    model: OllamaModel,
    keep_alive: int | str = FOREVER,
    num_ctx: int | None = None,
) -> Task:
    """Queue the loading of a model; by default it stays loaded until it is stopped.

    `keep_alive`: seconds or text such as `30m`, negative: until stopped. `num_ctx`: tokens; a model
    that is loaded with another context is loaded anew. Raises `InvalidInput` with `attr`.
    """
    actor.require(START)
    with transaction.atomic():
        model = idle(model)
        require_installed(model)
        options = start_options(model, keep_alive=keep_alive, num_ctx=num_ctx)
        return begin_task(
            actor=actor, model=model, type="model.start", payload=options, data=options
        )


def stop_model(*, actor: Actor, model: OllamaModel, force: bool = False) -> Task:
    """Queue the unloading of a model, after the requests that it is answering.

    `force` ends those with an error, which works for an Ollama on the panel's machine alone;
    `Conflict` (code `cannot_force`) for any other.
    """
    actor.require(STOP)
    with transaction.atomic():
        model = idle(model)
        require_installed(model)
        if not model.is_loaded:
            raise Conflict(Sentence(gettext_noop("“{name}” is not running."), name=model.name))
        if force and not may_be_forced(model.server):
            raise Conflict(
                _(
                    "Ollama lets nobody else end its requests: only on the panel's own machine a "
                    "stop can be forced. Stop the model without that; it waits for the requests."
                ),
                code="cannot_force",
            )
        asked = {"force": True} if force else {}
        return begin_task(actor=actor, model=model, type="model.stop", payload=asked, data=asked)


def delete_model(*, actor: Actor, model: OllamaModel) -> Task:
    """Queue the deletion of a model: stopped, deleted at the server, then the row and its logs."""
    actor.require(DELETE)
    with transaction.atomic():
        model = idle(model)
        return begin_task(
            actor=actor, model=model, type="model.delete", data={"digest": model.digest}
        )


def cancel_work(*, actor: Actor, model: OllamaModel) -> Task:
    """Cancel the model's live task. `Conflict` where there is none."""
    actor.require(tasks.CANCEL)
    return tasks.cancel_task(actor=actor, task=_task_of(model, live=True))


def pause_pull(*, actor: Actor, model: OllamaModel) -> Task:
    """Pause the model's pull; what is downloaded stays on the server."""
    actor.require(tasks.CANCEL)
    return tasks.pause_task(actor=actor, task=_task_of(model, live=True))


def resume_pull(*, actor: Actor, model: OllamaModel) -> Task:
    """Go on with a paused pull."""
    actor.require(tasks.RETRY)
    return tasks.resume_task(actor=actor, task=_task_of(model, live=True))


def retry_work(*, actor: Actor, model: OllamaModel) -> Task:
    """Retry the model's failed or cancelled last task."""
    actor.require(tasks.RETRY)
    return tasks.retry_task(actor=actor, task=_task_of(model, live=False))


def _refuse_if_busy(server: OllamaServer, name: ModelName) -> None:
    """Answer at once, before the check, when the model is on its way already."""
    row = (
        OllamaModel.objects.filter(server=server, key=name.key).select_related("last_task").first()
    )
    if row is not None:
        require_idle(row)


def _task_of(model: OllamaModel, *, live: bool) -> Task:
    task = model.last_task
    if task is None or (task.state in LIVE) != live:
        text = (
            gettext_noop("Nothing is under way for “{name}”.")
            if live
            else gettext_noop("There is nothing to retry for “{name}”.")
        )
        raise Conflict(Sentence(text, name=model.name))
    return task
