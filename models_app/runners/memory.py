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
from models_app.services.starting import FOREVER
from tasks_app.runners import TaskFailed, register

# What requests in flight still have when a stop is forced.
GRACE_S = 2.0
# How long Ollama is given to write down a new keep-alive: it waits for requests in flight.
WRITTEN_DOWN_S = 2.0
FIRST_PAUSE_S = 0.02


@register
class StartRunner(ModelRunner):
    """Load a model into memory."""

    type = "model.start"
    permission = START
    queued = running = ModelStatus.STARTING

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        self.run.progress(phase="loading")
        self.run.log(f"loading {model.name}")
        asked = self.task.payload
        keep_alive = asked.get("keep_alive", FOREVER)
        before = await _in_memory(model, client)
        begun = time.monotonic()
        await client.load(model.name, keep_alive=keep_alive, num_ctx=asked.get("num_ctx"))
        seconds = time.monotonic() - begun
        loaded = await _written_down(model, client, before, forever=keep_alive == FOREVER)
        if loaded is None:
            raise await self._not_loaded(model, client)
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


async def _in_memory(model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
    return InMemory(await client.ps()).facts(key=model.key, digest=model.digest)


async def _written_down(
    model: OllamaModel, client: OllamaClient, before: dict[str, Any] | None, *, forever: bool
) -> dict[str, Any] | None:
    """The facts of the loaded model. For a moment after its answer Ollama still names the end that
    the model had `before`; each start gives it another one, unless it stays for ever as it did."""
    loaded = await _in_memory(model, client)
    if before is None or (forever and before["expires_at"] is None):
        return loaded
    pause, until = FIRST_PAUSE_S, time.monotonic() + WRITTEN_DOWN_S
    while loaded and loaded["expires_at"] == before["expires_at"] and time.monotonic() < until:
        await asyncio.sleep(pause)
        pause *= 2
        loaded = await _in_memory(model, client)
    return loaded


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
