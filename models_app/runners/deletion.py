"""Deleting a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models_app.choices import ModelStatus
from models_app.facts import InMemory
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import ModelMissing, OllamaError, ServerError
from models_app.ollama.names import ModelName
from models_app.runners.base import ModelRunner
from models_app.runners.turns import turn_of
from models_app.services import sync
from models_app.services.lifecycle import DELETE
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.runners import register

# Ollama tidies up its folders after each deletion, and stumbles over those that another deletion
# has just removed: it fails, or says that it has no such model, which may still be there.
ATTEMPTS = 3


@register
class DeleteRunner(ModelRunner):
    """Unload a model, delete it at the server, then forget its row and its log files."""

    type = "model.delete"
    permission = DELETE
    queued = running = ModelStatus.DELETING

    @classmethod
    def settle_all(cls, tasks: Sequence[Task]) -> None:
        for task in tasks:
            if task.state == State.SUCCEEDED:
                sync.forget_model(task.resource_id or 0)
        super().settle_all([task for task in tasks if task.state != State.SUCCEEDED])

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        try:
            if InMemory(await client.ps()).has(model.key):
                self.run.progress(phase="unloading")
                await client.unload(model.name)
            self.run.progress(phase="deleting")
            async with turn_of(model.server_id, "deletion"):
                await _delete(client, ModelName.parse(model.name))
        except ModelMissing:
            self.run.log("The server does not have it any more.")
        except OllamaError as error:
            if model.is_installed:
                raise
            self.run.log(f"Never installed, and its server does not answer ({error.code}).")
        return {"deleted": model.name}


async def _delete(client: OllamaClient, name: ModelName) -> None:
    """Delete it, again where somebody else's deletion came between.

    Raises `ModelMissing` only where the server does not list it.
    """
    for attempt in range(ATTEMPTS):
        try:
            return await client.delete(name)
        except (ModelMissing, ServerError) as error:
            is_there = any(entry.name.key == name.key for entry in await client.tags())
            if not is_there and isinstance(error, ServerError):
                return None  # it stumbled after the deletion
            if not is_there or attempt == ATTEMPTS - 1:
                raise
    return None
