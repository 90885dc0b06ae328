"""Benchmarks of models: asking for one, and keeping what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from models_app.models import Benchmark, OllamaModel
from models_app.services.beginnings import begin_task, idle, require_installed
from models_app.services.states import locked_model, settle_model
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import State
from tasks_app.models import Task

BENCHMARK = "models_app.benchmark_ollamamodel"
LEAST_TOKENS, TOKENS, MOST_TOKENS = 8, 128, 2048
# Seconds that a model which was loaded for a benchmark stays, if nobody comes to unload it.
KEEP_ALIVE = 300
# The newest ones, in the chart and in the API.
SHOWN = 30
FIGURES = (
    "load_seconds",
    "first_token_seconds",
    "prompt_rate",
    "token_rate",
    "tokens",
    "context_length",
    "processor",
    "digest",
    "server_version",
)


def benchmark_model(*, actor: Actor, model: OllamaModel, tokens: int = TOKENS) -> Task:
    """Queue a benchmark: load time, time to the first token, tokens a second on a fixed prompt.

    `tokens`: how long the answer may be. Raises `InvalidInput`, `Conflict`, `NotPermitted`.
    """
    actor.require(BENCHMARK)
    if not LEAST_TOKENS <= tokens <= MOST_TOKENS:
        text = gettext_noop("Ask for {least} to {most} tokens.")
        raise InvalidInput(
            Sentence(text, least=LEAST_TOKENS, most=MOST_TOKENS),
            code="invalid_tokens",
            attr="tokens",
        )
    with transaction.atomic():
        row = idle(model)
        require_installed(row)
        return begin_task(
            actor=actor,
            model=row,
            type="model.benchmark",
            payload={"tokens": tokens},
            limit_key=f"server.benchmarks:{row.server_id}",
        )


def settle_benchmark(task: Task) -> None:
    """Keep the result of a success once, then settle the model as after any task."""
    result = (task.result or {}).get("benchmark")
    if task.state == State.SUCCEEDED and result:
        model = locked_model(task)
        if model is not None:
            figures: dict[str, Any] = {name: result.get(name) for name in FIGURES}
            Benchmark.objects.get_or_create(task=task, defaults={"model": model, **figures})
    settle_model(task)


@dataclass(frozen=True)
class Performance:
    """The newest benchmarks of a model, the newest first; there is at least one."""

    runs: list[Benchmark]

    @property
    def last(self) -> Benchmark:
        """The newest one."""
        return self.runs[0]

    @property
    def load_seconds(self) -> float | None:
        """The newest load time: a benchmark of a model that was in memory has none."""
        return next((run.load_seconds for run in self.runs if run.load_seconds is not None), None)


def performance_of(model: OllamaModel) -> Performance | None:
    """What is known of a model's speed; None where nothing was measured."""
    runs = list(model.benchmarks.all()[:SHOWN])
    return Performance(runs) if runs else None
