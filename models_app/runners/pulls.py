"""Downloads."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.choices import ModelStatus
from models_app.download import Download
from models_app.endpoints import registry_config
from models_app.facts import facts_of
from models_app.models import OllamaModel, OllamaServer, PanelSettings
from models_app.ollama.client import OllamaClient
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest, RegistryConfig, RegistryError, fetch_manifest
from models_app.probes import Gauge, disk_gauge
from models_app.pulls import PULL_QUEUE, PULL_TYPE
from models_app.resources.verdict import DISK_TOO_SMALL
from models_app.resources.watch import unless, watch_disk
from models_app.runners.base import ModelRunner
from models_app.services.lifecycle import PULL
from models_app.services.preflight import check_pull
from ollamactl.lib.units import format_size
from tasks_app.runners import RetryPolicy, TaskFailed, register


@register
class PullRunner(ModelRunner):
    """Download a model, or what is new of it. Repeating it resumes from what the server has."""

    type = PULL_TYPE
    permission = PULL
    queue = PULL_QUEUE
    retry = RetryPolicy(attempts=8, backoff=2.0, longest=120.0)  # where the settings do not answer
    pausable = True
    offers_retry = True
    queued = ModelStatus.WAITING
    running = ModelStatus.DOWNLOADING
    _manifest: Manifest | None = None
    _gauge: Gauge | None = None
    _kept = 0

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        return cls.limits([limit_key])[limit_key]

    @classmethod
    def limits(cls, limit_keys: Collection[str]) -> dict[str, int | None]:
        ids = {key: int(key.rpartition(":")[2]) for key in limit_keys}
        servers = OllamaServer.objects.only("max_downloads").in_bulk(list(ids.values()))
        panel = PanelSettings.objects.current()
        return {key: panel.downloads_on(servers.get(pk)) for key, pk in ids.items()}

    @classmethod
    def overall_limit(cls) -> int | None:
        panel = PanelSettings.objects.current()
        return 0 if panel.downloads_held else panel.downloads_overall

    @classmethod
    def retry_policy(cls) -> RetryPolicy:
        panel = PanelSettings.objects.current()
        return RetryPolicy(
            attempts=panel.retry_attempts,
            backoff=float(panel.retry_backoff),
            longest=float(panel.retry_longest),
            codes=panel.retried_codes(),
        )

    def prepare(self, model: OllamaModel) -> None:
        """The check again: the disk may have filled while this waited. All else Ollama says."""
        found = check_pull(server=model.server, name=model.name, task=self.task)
        self._manifest = found.manifest
        self._kept = PanelSettings.objects.current().disk_kept(model.server)
        # Who has said to go on against the check has said it for all of the download.
        overridden = bool(self.task.payload.get("override"))
        self._gauge = None if overridden else disk_gauge(model.server)
        full = found.reason(DISK_TOO_SMALL)
        if full is not None and overridden:
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
        if self._gauge is None:
            await download.finish()
        else:
            watch = watch_disk(self._gauge, kept=self._kept, left=lambda: download.left)
            await unless(download.finish(), watch)
        facts = await facts_of(client, name)
        if facts is None:
            raise TaskFailed(
                _("The download ended, but the server does not list the model. Try again."),
                code="not_listed",
                retryable=True,
            )
        self.run.log(f"success {facts['digest'][:12]}")
        manifest = self._manifest
        if manifest is not None and manifest.digest == facts["digest"]:
            return {**facts, "outdated": False}
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
