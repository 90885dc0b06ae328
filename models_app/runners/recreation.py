"""Making a model anew out of itself, or out of another one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.choices import ModelStatus
from models_app.copying import listed_by_key
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import ModelMissing, OllamaError
from models_app.ollama.names import ModelName
from models_app.runners.base import ModelRunner
from models_app.runners.copies import listed_facts
from models_app.services.recreating import RECREATE, temporary_name
from tasks_app.runners import RetryPolicy, TaskFailed, register

TIDY_S = 10.0


@register
class RecreateRunner(ModelRunner):
    """Make the new model under another name, see that it is there, put it in the old one's place.

    It is made out of the model of the payload's `base`, else out of the old one. Until it is there
    the old one is as it was. A repetition after the exchange makes the same again.
    """

    type = "model.recreate"
    permission = RECREATE
    retry = RetryPolicy(attempts=3)
    queued = ModelStatus.WAITING
    running = ModelStatus.CREATING
    offers_retry = True

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        name = ModelName.parse(model.name)
        made = temporary_name(name)
        await self._remove(client, made)  # of an attempt that was cut off
        try:
            digest = await self._make(client, name, made)
            self.run.progress(phase="copying")
            await client.copy(made, name)
        finally:
            with suppress(OllamaError, TimeoutError):
                async with asyncio.timeout(TIDY_S):
                    await self._remove(client, made)
        facts = await listed_facts(client, name)
        if facts["digest"] != digest:
            raise TaskFailed(
                _("The model was changed by somebody else at the same time. Try again."),
                code="changed",
                retryable=True,
            )
        self.run.log(f"{name} is {digest[:12]} now")
        return {**facts, "changed": sorted(self.task.payload["changes"])}

    async def _make(self, client: OllamaClient, name: ModelName, made: ModelName) -> str:
        self.run.progress(phase="creating")
        asked = self.task.payload
        base = ModelName.parse(asked["base"]) if "base" in asked else name
        async for line in client.create(made, base=base, changes=asked["changes"]):
            self.run.log(line.status)
        entry = (await listed_by_key(client)).get(made.key)
        if entry is None:
            raise TaskFailed(
                _("The server said yes, but does not list the model. Try again."),
                code="not_listed",
                retryable=True,
            )
        return entry.digest

    async def _remove(self, client: OllamaClient, made: ModelName) -> None:
        with suppress(ModelMissing):
            await client.delete(made)
