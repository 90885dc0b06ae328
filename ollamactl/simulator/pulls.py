"""`POST /api/pull`: the manifest, its layers one after the other, and the lines about them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ollamactl.simulator.downloads import Downloads
from ollamactl.simulator.faults import PULL_KINDS, Fault, Faults
from ollamactl.simulator.http_server import CutConnection
from ollamactl.simulator.manifests import Layer, Manifest
from ollamactl.simulator.names import Name
from ollamactl.simulator.registry import Registry, why_unreachable
from ollamactl.simulator.settings import Settings
from ollamactl.simulator.store import Store

Line = dict[str, Any]


class PullFailed(Exception):
    """The pull ends with this error in Ollama's words."""


class Pulls:
    """Runs pulls and counts them by the model's shown name.

    `counts[name]` has `started`, `active`, `succeeded`, `failed` and `cancelled`.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        store: Store,
        downloads: Downloads,
        faults: Faults,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store
        self._downloads = downloads
        self._faults = faults
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    async def run(self, name: Name, *, insecure: bool) -> AsyncGenerator[Line]:
        """The lines of one pull; a failure is a last line with `error`."""
        count = self.counts[name.display]
        count["started"] += 1
        count["active"] += 1
        outcome = "cancelled"
        try:
            async with aclosing(self._steps(name, insecure=insecure)) as lines:
                async for line in lines:
                    yield line
            outcome = "succeeded"
            yield {"status": "success"}
        except PullFailed as error:
            outcome = "failed"
            yield {"error": str(error)}
        except CutConnection:
            outcome = "failed"
            raise
        finally:
            count["active"] -= 1
            count[outcome] += 1

    async def _steps(self, name: Name, *, insecure: bool) -> AsyncGenerator[Line]:
        yield {"status": "pulling manifest"}
        fault = self._faults.take("/api/pull", name.display, PULL_KINDS)
        slow = self._faults.take("/api/pull", name.display, {"slow"})
        manifest = self._find(name, insecure=insecure, fault=fault)
        rate = float(slow.rate) if slow and slow.rate else None
        async with aclosing(self._layers(manifest, rate, fault)) as lines:
            async for line in lines:
                yield line
        yield {"status": "verifying sha256 digest"}
        await self._verify(manifest, fault)
        yield {"status": "writing manifest"}
        old = self._store.find(name)
        self._store.install(name, manifest)
        if old and {b.digest for b in old.manifest.blobs} - {b.digest for b in manifest.blobs}:
            yield {"status": "removing unused layers"}

    def _find(self, name: Name, *, insecure: bool, fault: Fault | None) -> Manifest:
        if reason := why_unreachable(name, insecure=insecure):
            raise PullFailed(f"pull model manifest: {reason}")
        found = self._registry.find(name)
        if found is None or (fault and fault.kind == "missing"):
            raise PullFailed("pull model manifest: file does not exist")
        return found

    async def _layers(
        self, manifest: Manifest, rate: float | None, fault: Fault | None
    ) -> AsyncGenerator[Line]:
        before = 0
        for blob in manifest.blobs:
            if self._store.has_blob(blob.digest):
                yield _line(blob, blob.size)
            else:
                ceiling = _ceiling(fault, before, blob)
                download = self._downloads.fetch(blob, rate=rate, ceiling=ceiling)
                async with aclosing(download) as progress:
                    async for completed in progress:
                        yield _line(blob, completed)
                        if ceiling is not None and completed >= ceiling:
                            _fail(fault, blob)
            before += blob.size

    async def _verify(self, manifest: Manifest, fault: Fault | None) -> None:
        await asyncio.sleep(manifest.size / self._settings.verify_speed)
        weights = manifest.weights
        if fault and fault.kind == "digest_mismatch" and weights:
            self._store.drop_blob(weights.digest)
            wrong = "sha256:" + weights.digest[:6:-1]
            raise PullFailed(
                "digest mismatch, file must be downloaded again: "
                f"want {weights.digest}, got {wrong}"
            )


def _line(blob: Layer, completed: int) -> Line:
    """A layer's line; Ollama omits the numbers that are 0."""
    line: Line = {"status": f"pulling {blob.digest[7:19]}", "digest": blob.digest}
    if blob.size:
        line["total"] = blob.size
    if completed:
        line["completed"] = completed
    return line


def _ceiling(fault: Fault | None, before: int, blob: Layer) -> int | None:
    """The bytes of this blob at which the failure is due, None where it is not in this blob."""
    if fault is None or fault.kind in {"missing", "digest_mismatch"}:
        return None
    at = fault.at_bytes - before
    return max(0, at) if at < blob.size else None


def _fail(fault: Fault | None, blob: Layer) -> None:
    """Fail at the ceiling. A stall only stays there, with its connection open."""
    if fault is None or fault.kind == "stall":
        return
    if fault.kind == "cut":
        raise CutConnection
    if fault.kind == "disk_full":
        path = f"/root/.ollama/models/blobs/{blob.digest.replace(':', '-')}-partial"
        raise PullFailed(f"write {path}: no space left on device")
    raise PullFailed(fault.message or "max retries exceeded: unexpected EOF")
