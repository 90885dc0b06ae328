"""The types of task of servers and models."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus
from models_app.download import Download
from models_app.endpoints import client_of, registry_config
from models_app.facts import InMemory, facts_of
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import ModelMissing, OllamaError
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest, RegistryConfig, RegistryError, fetch_manifest
from models_app.services import states, sync
from models_app.services.listing import Listing
from models_app.services.preflight import DISK_TOO_SMALL, check_pull
from models_app.services.servers import create_sync
from ollamactl.lib.units import format_size
from tasks_app.choices import State, Unit
from tasks_app.models import Task
from tasks_app.runners import RetryPolicy, Runner, TaskFailed, register


class ModelRunner(Runner):
    """A task about one model on one server, which then shows `queued` and `running`."""

    queued: ClassVar[ModelStatus]
    running: ClassVar[ModelStatus]

    @classmethod
    def settle(cls, task: Task) -> None:
        states.settle_model(task)

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["models", f"model:{task.resource_id}"]

    def work(self) -> dict[str, Any] | None:
        models = OllamaModel.objects.select_related("server")
        model = models.filter(pk=self.task.resource_id or 0).first()
        if model is None:
            raise TaskFailed(states.GONE_FROM_PANEL, code="model_gone")
        self.prepare(model)
        return self.run.stream(self._guarded(model))

    def prepare(self, model: OllamaModel) -> None:
        """What has to be looked up before the work; here the database may be asked."""

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
    permission = "models_app.pull_ollamamodel"
    queue = "pulls"
    retry = RetryPolicy(attempts=8, backoff=2.0, longest=120.0)
    pausable = True
    queued = ModelStatus.WAITING
    running = ModelStatus.DOWNLOADING
    _manifest: Manifest | None = None

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        server = OllamaServer.objects.filter(pk=int(limit_key.rpartition(":")[2])).first()
        return (server.max_downloads if server else None) or settings.DOWNLOADS_PER_SERVER

    def prepare(self, model: OllamaModel) -> None:
        """The check again: the disk may have filled while this waited. All else Ollama says."""
        found = check_pull(server=model.server, name=model.name, task=self.task)
        self._manifest = found.manifest
        full = found.reason(DISK_TOO_SMALL)
        if full is not None and self.task.payload.get("override"):
            self.run.log("The disk is too small by the check, which was overridden.")
        elif full is not None:
            raise TaskFailed(full, code="insufficient_resources")

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        name = ModelName.parse(model.name)
        config = registry_config(model.server)
        download = Download(
            self.run,
            client,
            name,
            layers=await self._layers(name, config),
            insecure=config.is_insecure(name.host),
            reached=(self.task.done, self.task.total),
        )
        await download.finish()
        facts = await facts_of(client, name)
        if facts is None:
            raise TaskFailed(
                _("The download ended, but the server does not list the model. Try again."),
                code="not_listed",
                retryable=True,
            )
        self.run.log(f"success {facts['digest'][:12]}")
        return facts

    async def _layers(self, name: ModelName, config: RegistryConfig) -> dict[str, int] | None:
        """The sizes of all layers, so that the bar has its whole length from the start."""
        manifest = self._manifest
        try:
            if manifest is None:  # the check gave up early; here there is time
                manifest = await fetch_manifest(name, config=config)
        except RegistryError as error:
            self.run.log(f"The panel cannot read the manifest itself: {error}")
            return None
        self.run.log(f"manifest sha256:{manifest.digest}: {format_size(manifest.total_bytes)}")
        return dict(manifest.layers)


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


@register
class DeleteRunner(ModelRunner):
    """Unload a model, delete it at the server, then forget its row and its log files."""

    type = "model.delete"
    permission = "models_app.delete_ollamamodel"
    queued = running = ModelStatus.DELETING

    @classmethod
    def settle(cls, task: Task) -> None:
        if task.state == State.SUCCEEDED:
            sync.forget_model(task.resource_id or 0)
        else:
            super().settle(task)

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        try:
            if InMemory(await client.ps()).has(model.key):
                self.run.progress(phase="unloading")
                await client.unload(model.name)
            self.run.progress(phase="deleting")
            await client.delete(model.name)
        except ModelMissing:
            self.run.log("The server does not have it any more.")
        except OllamaError as error:
            if model.is_installed:
                raise
            self.run.log(f"Never installed, and its server does not answer ({error.code}).")
        return {"deleted": model.name}


@register
class SyncRunner(Runner):
    """Bring the rows of one server's models in line with the server."""

    type = "server.sync"
    permission = "models_app.sync_ollamaserver"
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
        numbers = {**counts, "conflicts": len(counts["conflicts"])}
        self.run.log(", ".join(f"{name} {number}" for name, number in numbers.items()))
        return counts

    async def _read(self, server: OllamaServer) -> Listing:
        asked_at = timezone.now()
        try:
            async with client_of(server) as client:
                return Listing(await client.tags(), await client.ps(), asked_at)
        except OllamaError as error:
            raise TaskFailed(error.detail, code=error.code, retryable=error.retryable) from error


@register
class SyncAllRunner(Runner):
    """A sync of every server: a child for each, made once however often this is repeated."""

    type = "servers.sync"
    permission = "models_app.sync_ollamaserver"

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["servers"]

    def work(self) -> dict[str, Any] | None:
        made = self.task.children.filter(resource_id__isnull=False).values("resource_id")
        for server in list(OllamaServer.objects.exclude(pk__in=made).order_by("pk")):
            self.run.check()
            create_sync(
                actor=SYSTEM,
                server=server,
                on_conflict=self.task.payload.get("on_conflict", "server"),
                parent=self.task,
            )
        return None
