"""The check before a download."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from models_app.choices import ServerStatus
from models_app.endpoints import client_of, registry_config
from models_app.models import OllamaServer
from models_app.ollama.errors import OllamaError
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest, RegistryError, fetch_manifest
from models_app.probes import disk_free
from models_app.querysets import GONE
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size
from tasks_app.choices import LIVE, State
from tasks_app.models import Task

# All questions together; who has not answered by then is unknown.
SECONDS = 2.0
OK, WARN, BLOCK, UNKNOWN = "ok", "warn", "block", "unknown"


@dataclass(frozen=True)
class Preflight:
    """The verdict: `ok`, `warn` or `block`, with its reasons. `as_json` has the API's shape."""

    verdict: str
    download_bytes: int | None = None
    estimate: str = UNKNOWN
    disk: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    downloads: dict[str, Any] = field(default_factory=dict)
    reasons: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The API's answer, in the reader's language."""
        return {
            "verdict": self.verdict,
            "download_bytes": self.download_bytes,
            "estimate": self.estimate,
            "disk": self.disk,
            "memory": self.memory,
            "network": self.network,
            "downloads": self.downloads,
            "reasons": [
                {"code": reason["code"], "detail": str(reason["detail"])} for reason in self.reasons
            ],
        }

    def sentence(self) -> str:
        """The reasons that block, as one text."""
        return " ".join(str(r["detail"]) for r in self.reasons if r["level"] == BLOCK)


@dataclass
class _Findings:
    """What the questions brought, and the reasons that follow."""

    reasons: list[dict[str, Any]] = field(default_factory=list)

    def add(self, level: str, code: str, detail: Any) -> None:
        self.reasons.append({"level": level, "code": code, "detail": detail})

    @property
    def verdict(self) -> str:
        levels = {reason["level"] for reason in self.reasons}
        return next((level for level in (BLOCK, WARN) if level in levels), OK)


def check_pull(*, server: OllamaServer, name: str) -> Preflight:
    """Look at what a pull would need, within 2 s; what is not known by then is `unknown`.

    Only what is certain blocks: a server that is gone, a model that its registry does not have, a
    disk that is too small.
    """
    found = _Findings()
    if server.status in GONE:
        _add_server_gone(found, server)
    manifest, missing = _ask(found, server, ModelName.parse(name))
    download = sum(missing.values()) if missing is not None else None
    disk = _disk(found, server, download)
    downloads = _downloads(found, server)
    return Preflight(
        verdict=found.verdict,
        download_bytes=download,
        estimate="manifest" if download is not None else UNKNOWN,
        disk=disk,
        memory={"state": UNKNOWN, "free": None, "needed": None},
        network={"state": OK if manifest is not None else UNKNOWN},
        downloads=downloads,
        reasons=tuple(found.reasons),
    )


def _add_server_gone(found: _Findings, server: OllamaServer) -> None:
    if server.status == ServerStatus.UNAUTHORIZED:
        sentence = _("“{name}” does not accept the panel's credentials. Correct them first.")
    else:
        sentence = _("“{name}” does not answer. Start it or correct its address first.")
    found.add(BLOCK, f"server_{server.status}", Sentence(sentence, name=server.name))


def _ask(
    found: _Findings, server: OllamaServer, name: ModelName
) -> tuple[Manifest | None, dict[str, int] | None]:
    """The manifest, and the sizes of its layers that the server does not have yet."""
    try:
        return asyncio.run(asyncio.wait_for(_manifest_and_missing(server, name), SECONDS))
    except TimeoutError:
        detail = _("The registry did not answer in time; the size of the download is not known.")
        found.add(WARN, "registry_timeout", detail)
    except RegistryError as error:
        level = BLOCK if error.code == "model_missing" else WARN
        found.add(level, error.code, error.detail)
    return None, None


async def _manifest_and_missing(
    server: OllamaServer, name: ModelName
) -> tuple[Manifest, dict[str, int]]:
    manifest = await fetch_manifest(name, config=registry_config(server))
    if server.status in GONE:
        return manifest, dict(manifest.layers)
    try:
        async with client_of(server) as client:
            there = await asyncio.gather(*(client.head_blob(d) for d in manifest.layers))
    except OllamaError:
        return manifest, dict(manifest.layers)
    sizes = zip(manifest.layers.items(), there, strict=True)
    return manifest, {digest: size for (digest, size), has in sizes if not has}


def _disk(found: _Findings, server: OllamaServer, needed: int | None) -> dict[str, Any]:
    free = disk_free(server)
    reserved = _reserved(server)
    after = free - reserved - needed if free is not None and needed is not None else None
    state = UNKNOWN if after is None else (OK if after >= 0 else BLOCK)
    if state == BLOCK and free is not None and needed is not None:
        detail = Sentence(
            _(
                "The disk has {free} free, {reserved} of it for other downloads, and this one "
                "needs {needed}."
            ),
            free=format_size(free),
            reserved=format_size(reserved),
            needed=format_size(needed),
        )
        found.add(BLOCK, "disk_too_small", detail)
    return {"state": state, "free": free, "reserved": reserved, "needed": needed, "after": after}


def _reserved(server: OllamaServer) -> int:
    """Bytes that the server's other pulls, queued and running, have still to write."""
    pulls = Task.objects.filter(limit_key=f"server.pulls:{server.pk}", state__in=LIVE)
    left = pulls.filter(total__gt=F("done")).aggregate(left=Sum(F("total") - F("done")))["left"]
    return int(left or 0)


def _downloads(found: _Findings, server: OllamaServer) -> dict[str, Any]:
    limit = server.max_downloads or settings.DOWNLOADS_PER_SERVER
    running = Task.objects.filter(
        limit_key=f"server.pulls:{server.pk}", state__in=(State.QUEUED, State.RUNNING)
    ).count()
    if running >= limit:
        detail = Sentence(
            _("{count} downloads are before this one; it starts when one of them ends."),
            count=running,
        )
        found.add(WARN, "queued_behind", detail)
    return {"running": running, "limit": limit}
