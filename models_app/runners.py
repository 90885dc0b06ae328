"""The types of task of servers and models."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus
from models_app.endpoints import client_of, registry_config
from models_app.facts import facts_of, loaded_of
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import ModelMissing, OllamaError
from models_app.ollama.names import ModelName
from models_app.ollama.progress import PullProgress
from models_app.ollama.registry import RegistryError, fetch_manifest
from models_app.services import states, sync
from models_app.services.servers import create_sync
from ollamactl.lib.units import format_size
from tasks_app.choices import State, Unit
from tasks_app.models import Task
from tasks_app.runners import RetryPolicy, Runner, TaskFailed, register

MANIFEST_SECONDS = 10.0


class ModelRunner(Runner):
    """A task about one model on one server."""

    queued: ClassVar[ModelStatus]
    running: ClassVar[ModelStatus]

    @classmethod
    def settle(cls, task: Task) -> None:
        states.settle_model(task, queued=cls.queued, running=cls.running)

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["models", f"model:{task.resource_id}"]

    def work(self) -> dict[str, Any] | None:
        model = (
            OllamaModel.objects.select_related("server")
            .filter(pk=self.task.resource_id or 0)
            .first()
        )
        if model is None:
            raise TaskFailed(_("This model is gone from the panel."), code="model_gone")
        return self.run.stream(self._guarded(model))

    async def _guarded(self, model: OllamaModel) -> dict[str, Any] | None:
        try:
            async with client_of(model.server) as client:
                return await self.act(model, client)
        except OllamaError as error:
            raise TaskFailed(error.detail, code=error.code, retryable=error.retryable) from error

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        """The work itself, on the event loop: no database here."""
        raise NotImplementedError


@register
class PullRunner(ModelRunner):
    """Download a model, or what is new of it. Repeating it resumes from what the server has."""

    type = "model.pull"
    queue = "pulls"
    retry = RetryPolicy(attempts=6, backoff=2.0, longest=120.0)
    pausable = True
    queued = ModelStatus.WAITING
    running = ModelStatus.DOWNLOADING

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        server = OllamaServer.objects.filter(pk=int(limit_key.rpartition(":")[2])).first()
        return (server.max_downloads if server else None) or settings.DOWNLOADS_PER_SERVER

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        name = ModelName.parse(model.name)
        layers = await self._layers(model, name)
        while not await self._pull_once(model, client, name, layers):
            self.run.log("No byte came for a while: asking again.")
        facts = await facts_of(client, name)
        if facts is None:
            raise TaskFailed(
                _("The download ended, but the server does not list the model. Try again."),
                code="not_listed",
                retryable=True,
            )
        self.run.log(f"success {facts['digest'][:12]}")
        return facts

    async def _layers(self, model: OllamaModel, name: ModelName) -> dict[str, int] | None:
        """The sizes of all layers, so that the bar has its whole length from the start."""
        try:
            manifest = await asyncio.wait_for(
                fetch_manifest(name, config=registry_config(model.server)), MANIFEST_SECONDS
            )
        except (RegistryError, TimeoutError) as error:
            self.run.log(f"The panel cannot read the manifest itself: {error}")
            return None
        self.run.log(f"manifest sha256:{manifest.digest}: {format_size(manifest.total_bytes)}")
        return dict(manifest.layers)

    async def _pull_once(
        self,
        model: OllamaModel,
        client: OllamaClient,
        name: ModelName,
        layers: dict[str, int] | None,
    ) -> bool:
        """One `POST /api/pull`; False when it stalled and the connection was dropped."""
        progress = PullProgress(layers)
        phase = ""
        insecure = registry_config(model.server).is_insecure(name.host)
        lines = client.pull(name.display, insecure=insecure)
        try:
            async for line in lines:
                progress.feed(line, time.monotonic())
                if line.status != phase:
                    phase = line.status
                    self.run.log(phase)
                self.run.progress(
                    done=progress.done, total=progress.total, unit=Unit.BYTES, phase=progress.phase
                )
                if progress.stalled(time.monotonic(), settings.STALL_SECONDS):
                    return False
        finally:
            await lines.aclose()
        return True


@register
class StartRunner(ModelRunner):
    """Load a model into memory."""

    type = "model.start"
    queued = running = ModelStatus.STARTING

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        self.run.progress(phase="loading")
        self.run.log(f"loading {model.name}")
        begun = time.monotonic()
        await client.load(model.name, keep_alive=self.task.payload.get("keep_alive", -1))
        loaded = loaded_of(await client.ps(), key=model.key, digest=model.digest)
        if loaded is None:
            raise TaskFailed(
                _("The server loaded the model and let it go at once. Is there memory for it?"),
                code="not_loaded",
                retryable=False,
            )
        seconds = time.monotonic() - begun
        self.run.log(f"loaded in {seconds:.1f} s: {loaded['processor']}")
        return {"loaded": loaded, "load_seconds": round(seconds, 3)}


@register
class StopRunner(ModelRunner):
    """Unload a model, after the requests that it is answering."""

    type = "model.stop"
    queued = running = ModelStatus.STOPPING

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        self.run.progress(phase="unloading")
        self.run.log(f"unloading {model.name}")
        await client.unload(model.name, digest=model.digest)
        self.run.log("unloaded")
        return {"loaded": None}


@register
class DeleteRunner(ModelRunner):
    """Unload a model, delete it at the server, then forget its row and its log files."""

    type = "model.delete"
    queued = running = ModelStatus.DELETING

    @classmethod
    def settle(cls, task: Task) -> None:
        if task.state == State.SUCCEEDED:
            sync.forget_model(task.resource_id or 0)
        else:
            super().settle(task)

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        try:
            if loaded_of(await client.ps(), key=model.key, digest=""):
                self.run.progress(phase="unloading")
                await client.unload(model.name, digest="")
            self.run.progress(phase="deleting")
            await client.delete(model.name)
        except ModelMissing:
            self.run.log("The server does not have it any more.")
        return {"deleted": model.name}


@register
class SyncRunner(Runner):
    """Bring the rows of one server's models in line with the server."""

    type = "server.sync"
    retry = RetryPolicy(attempts=3, backoff=2.0)

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        return 1

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["servers", f"server:{task.resource_id}"]

    def work(self) -> dict[str, Any] | None:
        server = OllamaServer.objects.filter(pk=self.task.resource_id or 0).first()
        if server is None:
            raise TaskFailed(_("This server is gone from the panel."), code="server_gone")
        self.run.progress(phase="reading")
        listing = self.run.stream(self._read(server))
        counts = sync.apply_listing(
            server=server,
            listing=listing,
            on_conflict=self.task.payload.get("on_conflict", "server"),
            tell=lambda done, total: self.run.progress(
                done=done, total=total, unit=Unit.ITEMS, phase="writing"
            ),
        )
        self.run.log(", ".join(f"{name} {value}" for name, value in counts.items()))
        return counts

    async def _read(self, server: OllamaServer) -> sync.Listing:
        try:
            async with client_of(server) as client:
                return sync.Listing(tags=await client.tags(), loaded=await client.ps())
        except OllamaError as error:
            raise TaskFailed(error.detail, code=error.code, retryable=error.retryable) from error


@register
class SyncAllRunner(Runner):
    """A sync of every server: a child for each, made once however often this is repeated."""

    type = "servers.sync"

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["servers"]

    def work(self) -> dict[str, Any] | None:
        made = set(self.task.children.values_list("resource_id", flat=True))
        for server in OllamaServer.objects.exclude(pk__in=made):
            self.run.check()
            create_sync(
                actor=SYSTEM,
                server=server,
                on_conflict=self.task.payload.get("on_conflict", "server"),
                parent=self.task,
            )
        return None
