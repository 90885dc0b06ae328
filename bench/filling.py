"""Inside the panel: fill the database with servers, models and tasks as years of use leave them.

Asks for `{"models": N, "tasks": N, "url": …}`, how many there shall be in all, and where servers
answer that do not say which models they have (`bench.many_ollamas`). Answers how many there are.
What is made is the same each time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from models_app.models import OllamaModel, OllamaServer
    from tasks_app.models import Task

SERVERS = 50
AT_ONCE = 2000
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
FAMILIES = ("llama", "qwen2", "gemma3", "phi3")
NAMESPACES = ("", "team/", "hf.co/org/", "registry.example.com/lab/")


def fill(models: int, tasks: int, url: str) -> dict[str, int]:
    """Add what is missing."""
    from models_app.models import OllamaModel, OllamaServer
    from tasks_app.models import Task

    servers = _servers(OllamaServer, url)
    number = Task.objects.count()
    _add(Task, (_task(number + extra) for extra in range(tasks - number)))
    done = list(Task.objects.filter(type="model.pull").order_by("pk").values_list("pk", flat=True))
    first = OllamaModel.objects.count()
    _add(OllamaModel, (_model(place, servers, done) for place in range(first, models)))
    return {"models": OllamaModel.objects.count(), "tasks": Task.objects.count()}


def _servers(model: type[OllamaServer], url: str) -> list[OllamaServer]:
    """The last one is offline: nothing answers there."""
    for number in range(SERVERS):
        is_there = number < SERVERS - 1
        model.objects.get_or_create(
            name=f"rack-{number:02}",
            defaults={
                "base_url": f"{url}/no-{number}" if is_there else "http://127.0.0.1:1",
                "status": "online" if is_there else "offline",
                "version": "0.24.0",
            },
        )
    return list(model.objects.filter(name__startswith="rack-").order_by("name"))


def _add(model: Any, rows: Iterator[Any]) -> None:
    while part := list(islice(rows, AT_ONCE)):
        model.objects.bulk_create(part)


def _model(number: int, servers: list[OllamaServer], tasks: list[int]) -> OllamaModel:
    from models_app.models import OllamaModel
    from models_app.ollama.names import ModelName

    pick = _picker(number)
    name = ModelName.parse(f"{pick(NAMESPACES)}sim-{number:06}:{pick((1, 3, 7, 14, 70))}b")
    is_broken = number % 100 == 11
    server = pick(servers)
    # Whether it is in memory is looked at all the time where a server answers.
    is_loaded = server is servers[-1] and number % 2 == 1 and not is_broken
    memory = {"size": 5, "size_vram": 5, "processor": "100% GPU", "expires_at": None}
    return OllamaModel(
        server=server,
        name=name.display,
        key=name.key,
        source=name.source,
        status="running" if is_loaded else "error" if is_broken else "stopped",
        size=None if is_broken else 1_000_000_000 + number * 2_654_435_761 % 40_000_000_007,
        digest="" if is_broken else f"{number:064x}",
        family=pick(FAMILIES),
        parameter_size="7B",
        quantization="Q4_K_M",
        is_loaded=is_loaded,
        loaded=memory if is_loaded else None,
        pinned=number % 100 == 13,
        outdated=pick((None, False, True)),
        modified_at=FIRST_DAY + timedelta(minutes=number),
        last_used_at=FIRST_DAY + timedelta(minutes=number) if number % 10 == 1 else None,
        last_task_id=tasks[number % len(tasks)] if tasks and number % 3 == 0 else None,
        seq=number + 1,
    )


def _task(number: int) -> Task:
    from tasks_app.models import Task

    pick = _picker(number)
    begun = FIRST_DAY + timedelta(minutes=number)
    state = "failed" if number % 20 == 3 else "cancelled" if number % 50 == 9 else "succeeded"
    failure = {"code": "unreachable", "detail": "The server does not answer.", "retryable": True}
    return Task(
        type=pick(("model.pull", "model.start", "model.stop", "server.sync")),
        resource_type="model",
        resource_id=number // 3,
        resource_name=f"sim-{number // 3:06}:7b",
        state=state,
        priority=pick((0, 0, 0, 0, 5)),
        attempt=1 + number % 40 // 39,
        done=5_000_000,
        total=5_000_000,
        unit=pick(("bytes", "items", "")),
        phase=pick(("", "writing", "loading")),
        error=failure if state == "failed" else None,
        result={} if state == "succeeded" else None,
        started_at=begun,
        finished_at=begun + timedelta(seconds=40),
    )


def _picker(number: int) -> Callable[[Any], Any]:
    """Picks by number, so that neighbours differ and nothing is left to chance."""
    return lambda choices: choices[number * 2_654_435_761 % 4_294_967_291 % len(choices)]


if __name__ == "__main__":
    django.setup()
    json.dump(fill(**json.load(sys.stdin)), sys.stdout)
