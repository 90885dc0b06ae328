"""How fast a model answers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.choices import ModelStatus
from models_app.facts import InMemory
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.ollama.types import GenerateLine
from models_app.runners.base import ModelRunner
from models_app.services import benchmarks
from tasks_app.choices import Unit
from tasks_app.models import Task
from tasks_app.runners import TaskFailed, register

# Always the same task, so that results can be compared. The first words differ each time: Ollama
# keeps what it has read of a prompt, and a second run would not read it again.
PROMPT = (
    "Run {nonce}. Explain to a curious reader, in plain words and full sentences, how a steam "
    "engine turns heat into motion: the boiler, the cylinder, the piston, the valve gear and the "
    "flywheel, one after the other, and why the invention changed the world."
)


@register
class BenchmarkRunner(ModelRunner):
    """Load a model, let it answer a fixed prompt, and leave it in memory only if it was there."""

    type = "model.benchmark"
    permission = benchmarks.BENCHMARK
    queued = ModelStatus.WAITING
    running = ModelStatus.RUNNING

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        """One on a server at a time: two would measure each other."""
        return 1

    @classmethod
    def settle_all(cls, tasks: Sequence[Task]) -> None:
        for task in tasks:
            benchmarks.settle_benchmark(task)

    async def act(self, model: OllamaModel, client: OllamaClient) -> dict[str, Any] | None:
        before = InMemory(await client.ps()).facts(key=model.key, digest=model.digest)
        load_seconds = None
        if before is None:
            self.run.progress(phase="loading")
            begun = time.monotonic()
            await client.load(model.name, keep_alive=benchmarks.KEEP_ALIVE)
            load_seconds = time.monotonic() - begun
            self.run.log(f"loaded in {load_seconds:.2f} s")
        loaded = InMemory(await client.ps()).facts(key=model.key, digest=model.digest) or {}
        measured = await self._measure(model, client, loaded.get("context_length"))
        speed = f"{measured['tokens']} tokens, {measured['token_rate']:.1f} tokens/s"
        self.run.log(f"{speed}, the first after {measured['first_token_seconds']:.2f} s")
        if before is None:
            self.run.progress(phase="unloading")
            await client.unload(model.name, digest=model.digest)
        after = InMemory(await client.ps()).facts(key=model.key, digest=model.digest)
        figures = {
            **measured,
            "load_seconds": load_seconds,
            "context_length": loaded.get("context_length"),
            "processor": loaded.get("processor") or "",
            "digest": model.digest,
            "server_version": model.server.version,
        }
        return {"loaded": after, "benchmark": figures}

    async def _measure(
        self, model: OllamaModel, client: OllamaClient, num_ctx: int | None
    ) -> dict[str, Any]:
        wanted = int(self.task.payload["tokens"])
        options = {"num_predict": wanted, "temperature": 0, "seed": 1}
        if num_ctx is not None:  # another context would load the model anew
            options["num_ctx"] = num_ctx
        self.run.progress(done=0, total=wanted, unit=Unit.ITEMS, phase="answering")
        begun, first, count = time.monotonic(), None, 0
        last = GenerateLine()
        prompt = PROMPT.format(nonce=secrets.token_hex(4))
        async for line in client.generate(model.name, prompt, options=options):
            last = line
            if line.done:
                break
            first = first or time.monotonic() - begun
            count += 1
            self.run.progress(done=min(count, wanted), total=wanted, unit=Unit.ITEMS)
        return _figures(last, first, count)


def _figures(last: GenerateLine, first: float | None, count: int) -> dict[str, Any]:
    """The rates by Ollama's own counts and clock."""
    tokens = last.tokens or count
    if first is None or not tokens or not last.tokens_s:
        raise TaskFailed(
            _("The model gave no answer to measure. Try it in a chat first."), code="no_answer"
        )
    return {
        "first_token_seconds": first,
        "prompt_rate": _rate(last.prompt_tokens, last.prompt_s),
        "token_rate": tokens / last.tokens_s,
        "tokens": tokens,
    }


def _rate(tokens: int | None, seconds: float | None) -> float | None:
    return tokens / seconds if tokens and seconds else None
