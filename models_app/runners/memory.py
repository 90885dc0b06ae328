"""Into memory and out of it."""

from __future__ import annotations

import time
from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.choices import ModelStatus
from models_app.facts import InMemory
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.runners.base import ModelRunner
from tasks_app.runners import TaskFailed, register


@register
class StartRunner(ModelRunner):
    """Load a model into memory."""

    type = "model.start"
    permission = "models_app.start_ollamamodel"
    queued = running = ModelStatus.STARTING

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        self.run.progress(phase="loading")
        self.run.log(f"loading {model.name}")
        begun = time.monotonic()
        await client.load(model.name, keep_alive=self.task.payload.get("keep_alive", -1))
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
    permission = "models_app.stop_ollamamodel"
    queued = running = ModelStatus.STOPPING

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        self.run.progress(phase="unloading")
        self.run.log(f"unloading {model.name}")
        await client.unload(model.name, digest=model.digest)
        self.run.log("unloaded")
        return {"loaded": None}
