"""A second name for a model, and another name instead of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.choices import ModelStatus
from models_app.copying import copy_verified, listed_by_key
from models_app.facts import facts_of
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import ModelMissing
from models_app.ollama.names import ModelName
from models_app.runners.base import ModelRunner
from models_app.services import copies
from tasks_app.models import Task
from tasks_app.runners import RetryPolicy, TaskFailed, register


@register
class CopyRunner(ModelRunner):
    """Copy a model under the name of the task's row, which has none of its own yet."""

    type = "model.copy"
    permission = copies.COPY
    retry = RetryPolicy(attempts=3)
    queued = running = ModelStatus.CREATING
    offers_retry = True

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        source, name = ModelName.parse(self.task.payload["source"]), ModelName.parse(model.name)
        self.run.progress(phase="copying")
        digest = await copy_verified(client, source, name)
        self.run.log(f"copied {source} to {name}: {digest[:12]}")
        return await listed_facts(client, name)


@register
class RenameRunner(ModelRunner):
    """Copy a model to its new name, see that it is there, then delete the old name.

    Whenever it is cut off one of the two names has the model, and a repetition goes on from there.
    """

    type = "model.rename"
    permission = copies.COPY
    retry = RetryPolicy(attempts=3)
    queued = running = ModelStatus.CREATING
    offers_retry = True

    @classmethod
    def settle_all(cls, tasks: Sequence[Task]) -> None:
        for task in tasks:
            copies.settle_rename(task)

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        old, new = ModelName.parse(model.name), ModelName.parse(self.task.payload["name"])
        self.run.progress(phase="copying")
        if await self._is_done(client, old, new):
            self.run.log(f"{old} is {new} already")
        else:
            digest = await copy_verified(client, old, new)
            self.run.log(f"copied {old} to {new}: {digest[:12]}")
            self.run.progress(phase="deleting")
            await self._delete(client, old)
        return {**await listed_facts(client, new), "renamed_from": old.display}

    async def _is_done(self, client: OllamaClient, old: ModelName, new: ModelName) -> bool:
        """Whether an earlier attempt has come to the end, but could not say so."""
        listed = await listed_by_key(client)
        there = listed.get(new.key)
        wanted = self.task.payload["digest"]
        return old.key not in listed and there is not None and there.digest == wanted

    async def _delete(self, client: OllamaClient, old: ModelName) -> None:
        try:
            await client.delete(old)
        except ModelMissing:
            self.run.log("The old name is gone already.")


async def listed_facts(client: OllamaClient, name: ModelName) -> dict[str, Any]:
    """The facts of a model that has just been made; `TaskFailed` where the server lacks it."""
    facts = await facts_of(client, name)
    if facts is None:
        raise TaskFailed(
            _("The server said yes, but does not list the model. Try again."),
            code="not_listed",
            retryable=True,
        )
    return facts
