"""What people do with models. (Signatures; filled next.)"""

from __future__ import annotations

from dataclasses import dataclass

from audit_app.actors import Actor
from models_app.models import OllamaModel, OllamaServer
from models_app.services.preflight import Preflight
from tasks_app.models import Task


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
    raise NotImplementedError


def start_model(*, actor: Actor, model: OllamaModel, keep_alive: str = "-1") -> Task:
    """Queue the loading of a model."""
    raise NotImplementedError


def stop_model(*, actor: Actor, model: OllamaModel) -> Task:
    """Queue the unloading of a model."""
    raise NotImplementedError


def delete_model(*, actor: Actor, model: OllamaModel) -> Task:
    """Queue the deletion of a model: stopped, deleted at the server, then the row and its logs."""
    raise NotImplementedError


def cancel_work(*, actor: Actor, model: OllamaModel) -> Task:
    """Cancel the model's live task. `Conflict` where there is none."""
    raise NotImplementedError


def pause_pull(*, actor: Actor, model: OllamaModel) -> Task:
    raise NotImplementedError


def resume_pull(*, actor: Actor, model: OllamaModel) -> Task:
    raise NotImplementedError


def retry_work(*, actor: Actor, model: OllamaModel) -> Task:
    """Retry the model's failed or cancelled last task."""
    raise NotImplementedError
