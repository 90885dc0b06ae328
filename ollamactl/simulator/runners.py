"""Loaded models: loading, memory, expiry and unloading, as Ollama's scheduler does them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ollamactl.simulator.durations import FOREVER
from ollamactl.simulator.settings import Settings
from ollamactl.simulator.store import Installed, timestamp

DEFAULT_KEEP_ALIVE: Final = 300.0
_FOREVER_SECONDS: Final = (2**63 - 1) / 1e9  # Go's longest duration, 292 years
_RUNNER_OPTIONS: Final = ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread")
_DEFAULT_CONTEXT: Final = 4096


def _runner_options(model: Installed, options: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {key: options[key] for key in _RUNNER_OPTIONS if key in options}
    limit = model.manifest.facts.get("context_length") or _DEFAULT_CONTEXT
    context = int(chosen.get("num_ctx", _DEFAULT_CONTEXT))
    return chosen | {"num_ctx": max(4, min(context, limit))}


def runner_key(model: Installed) -> str:
    """Runners belong to weights: aliases share one."""
    weights = model.manifest.weights
    return weights.digest if weights else model.manifest.digest


class Runner:
    """One loaded model. `keep_alive` is seconds after the last request."""

    def __init__(self, model: Installed, options: dict[str, Any], keep_alive: float) -> None:
        self.model = model
        self.options = options
        self.keep_alive = keep_alive
        self.requests = 0
        self.leaving = False
        self.size_vram = 0
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()
        self.timer: asyncio.TimerHandle | None = None
        self._expires: datetime | None = None

    @property
    def size(self) -> int:
        """Bytes of memory: the weights, and what the context needs."""
        weights = self.model.manifest.weights
        width = int(self.model.manifest.facts.get("embedding_length") or 1024)
        context = int(self.options["num_ctx"])
        return int((weights.size if weights else 0) * 1.08) + context * width * 16

    def expire_in(self, seconds: float) -> None:
        """Set the moment that `/api/ps` names; it is the same one until the next request ends."""
        self._expires = _from_now(seconds)

    def as_json(self) -> dict[str, Any]:
        """As `/api/ps` shows it."""
        expires = self._expires or _from_now(min(self.keep_alive, _FOREVER_SECONDS))
        name = self.model.name.display
        return {
            "name": name,
            "model": name,
            "size": self.size,
            "digest": self.model.manifest.digest,
            "details": self.model.manifest.details,
            "expires_at": timestamp(expires),
            "size_vram": self.size_vram,
            "context_length": self.options["num_ctx"],
        }


def _from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


class Runners:
    """The loaded models of one server. `loads` counts by the name that loaded."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, Runner] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._schedule = asyncio.Lock()
        self.loads: Counter[str] = Counter()

    def as_json(self) -> list[dict[str, Any]]:
        shown = [runner.as_json() for runner in self._loaded.values()]
        return sorted(shown, key=lambda one: str(one["expires_at"]), reverse=True)

    @asynccontextmanager
    async def use(
        self, model: Installed, options: Mapping[str, Any], keep_alive: float | None
    ) -> AsyncGenerator[Runner]:
        """A loaded runner for one request; loads, reloads and evicts as needed."""
        runner = await self._acquire(model, _runner_options(model, options), keep_alive)
        try:
            await runner.ready.wait()
            yield runner
        finally:
            runner.requests -= 1
            if not runner.requests:
                self._idle(runner)

    def expire(self, model: Installed) -> None:
        """Unload once the requests in flight have ended; returns before that."""
        runner = self._loaded.get(runner_key(model))
        if runner is None:
            return
        runner.keep_alive = 0.0
        runner.expire_in(0)
        if not runner.requests:
            self._idle(runner)

    async def close(self) -> None:
        for runner in self._loaded.values():
            if runner.timer:
                runner.timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _acquire(
        self, model: Installed, options: dict[str, Any], keep_alive: float | None
    ) -> Runner:
        key = runner_key(model)
        runner = self._loaded.get(key)
        if runner is None or runner.options != options or runner.leaving:
            async with self._schedule:
                runner = await self._place(model, options, keep_alive)
        if runner.timer:
            runner.timer.cancel()
            runner.timer = None
        if keep_alive is not None:
            runner.keep_alive = keep_alive
        runner.requests += 1
        return runner

    async def _place(
        self, model: Installed, options: dict[str, Any], keep_alive: float | None
    ) -> Runner:
        key = runner_key(model)
        while (present := self._loaded.get(key)) is not None:
            if present.options == options and not present.leaving:
                return present
            await self._evict(present)
        fresh = Runner(model, options, DEFAULT_KEEP_ALIVE if keep_alive is None else keep_alive)
        while self._loaded and not self._fits(fresh):
            await self._evict(min(self._loaded.values(), key=lambda one: one.keep_alive))
        fresh.size_vram = max(0, min(fresh.size, self._settings.vram - self._vram_used()))
        self._loaded[key] = fresh
        self.loads[model.name.display] += 1
        self._spawn(self._load(fresh))
        return fresh

    def _vram_used(self) -> int:
        return sum(runner.size_vram for runner in self._loaded.values())

    def _fits(self, runner: Runner) -> bool:
        if len(self._loaded) >= self._settings.max_loaded:
            return False
        return not self._settings.vram or self._vram_used() + runner.size <= self._settings.vram

    async def _evict(self, runner: Runner) -> None:
        runner.leaving = True
        if not runner.requests:
            self._idle(runner)
        await runner.gone.wait()

    async def _load(self, runner: Runner) -> None:
        weights = runner.model.manifest.weights
        await asyncio.sleep((weights.size if weights else 0) / self._settings.load_speed)
        runner.ready.set()
        if not runner.requests:
            self._idle(runner)

    def _idle(self, runner: Runner) -> None:
        """No request is left: count down, or unload now where nothing is to be kept."""
        if runner.timer:
            runner.timer.cancel()
            runner.timer = None
        if not runner.ready.is_set():
            return
        if runner.leaving or runner.keep_alive <= 0:
            self._spawn(self._unload(runner))
            return
        left = min(runner.keep_alive, _FOREVER_SECONDS)
        runner.expire_in(left)
        if runner.keep_alive != FOREVER:
            loop = asyncio.get_running_loop()
            runner.timer = loop.call_later(left, lambda: self._spawn(self._unload(runner)))

    async def _unload(self, runner: Runner) -> None:
        await asyncio.sleep(self._settings.unload_seconds)
        if runner.requests:
            return
        key = runner_key(runner.model)
        if self._loaded.get(key) is runner:
            del self._loaded[key]
        runner.gone.set()

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
