"""Into memory and out of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.choices import ModelStatus
from models_app.facts import InMemory
from models_app.local_runner import end_runners
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import TimedOut
from models_app.runners.base import ModelRunner
from models_app.services.lifecycle import START, STOP
from tasks_app.runners import TaskFailed, register

# What requests in flight still have when a stop is forced.
GRACE_S = 2.0


@register
class StartRunner(ModelRunner):
    """Load a model into memory."""

    type = "model.start"
    permission = START
    queued = running = ModelStatus.STARTING

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        self.run.progress(phase="loading")
        self.run.log(f"loading {model.name}")
        begun = time.monotonic()
        asked = self.task.payload
        await client.load(
            model.name, keep_alive=asked.get("keep_alive", -1), num_ctx=asked.get("num_ctx")
        )
        loaded = InMemory(await client.ps()).facts(key=model.key, digest=model.digest)
        if loaded is None:
            raise await self._not_loaded(model, client)
        seconds = time.monotonic() - begun
        self.run.log(f"loaded in {seconds:.1f} s: {loaded['processor']}")
        return {"loaded": loaded, "load_seconds": round(seconds, 3)}

    async def _not_loaded(self, model: OllamaModel, client: OllamaClient) -> TaskFailed:
        info = await client.show(model.name)
        if info.remote_host or info.remote_model:
            return TaskFailed(
                _("This model runs in Ollama's cloud: there is nothing to start, just use it."),
                code="remote_model",
            )
        return TaskFailed(
            _("The server loaded the model and let it go at once. Is there memory for it?"),
            code="not_loaded",
        )


@register
class StopRunner(ModelRunner):
    """Unload a model, after the requests that it is answering."""

    type = "model.stop"
    permission = STOP
    queued = running = ModelStatus.STOPPING

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        self.run.progress(phase="unloading")
        self.run.log(f"unloading {model.name}")
        if self.task.payload.get("force"):
            await self._force(model, client)
        await client.unload(model.name, digest=model.digest)
        self.run.log("unloaded")
        return {"loaded": None}

    async def _force(self, model: OllamaModel, client: OllamaClient) -> None:
        """A moment for an ordinary end, then the end of its process, requests and all."""
        with suppress(TimedOut):
            await client.unload(model.name, digest=model.digest, deadline_s=GRACE_S)
            return
        weights = (await client.show(model.name)).weights
        ended = await asyncio.to_thread(end_runners, model.server, weights) if weights else 0
        self.run.log(f"ended {ended} processes of {model.name}")
        if not ended:
            raise TaskFailed(
                _(
                    "The process that runs the model is not to be seen from here: the server is on "
                    "another machine, in a container, or another user's. Stop it without force."
                ),
                code="cannot_force",
            )
