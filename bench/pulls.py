"""What a managed pull takes longer than one that is asked of Ollama directly."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.figures import Options, Table, Value, median
from bench.stack import running_panel, simulated_ollama
from tests.components.inventory import OLLAMA, REGISTRY, MissingComponent
from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import RegistryProcess
from tests.end_to_end.api import ENDED, Api

SIMULATED_RATE = 50_000_000  # bytes a second
REAL_RATE = 4_000_000
REAL_SECONDS = 16  # of one pull on the real Ollama at least: it goes by pieces of several megabytes
PATIENCE = 600.0  # for one pull

NewModel = Callable[[], str]


@dataclass(frozen=True)
class Pair:
    """Seconds of one pull of each kind, of two models of one size."""

    direct: float
    managed: float
    accepted: float
    """Of the managed one, until the panel's answer: the check before the download."""


def measure(options: Options) -> list[Table]:
    """Against the simulated Ollama, and against the real one where it is on this machine."""
    seconds = options.pick(options.pull_seconds, 2)
    simulated = simulated_row(rounds=options.pick(5, 1), seconds=seconds)
    rows, notes = [simulated], []
    try:
        binaries = OLLAMA.locate(), REGISTRY.locate()
    except MissingComponent as error:
        notes.append(f"Not measured on a real Ollama: {error}")
    else:
        seconds = options.pick(max(seconds, REAL_SECONDS), 3)
        rows.append(real_row(*binaries, rounds=options.pick(5, 1), seconds=seconds))
    notes.append(
        "From the request to the last word: `success` in the answer of a direct `POST /api/pull`, "
        "`succeeded` on the socket for a managed one."
    )
    return [Table("A managed pull against a direct one, in turns", rows, notes)]


def simulated_row(*, rounds: int, seconds: int) -> dict[str, Value]:
    """The simulated Ollama at a fixed speed: what is left is the panel's own time."""
    size = SIMULATED_RATE * seconds
    with ExitStack() as stack:
        ollama = stack.enter_context(simulated_ollama("--speed", str(SIMULATED_RATE)))
        _panel, api, server = stack.enter_context(running_panel(ollama.url))
        numbers = iter(range(1_000_000))

        def new_model() -> str:
            name = f"bench-{next(numbers)}:latest"
            ollama.order(publish=[{"name": name, "size": size}])
            return name

        pairs = run_pairs(rounds, new_model, ollama.url, api, server)
    return row_of("simulated Ollama", size, SIMULATED_RATE, pairs)


def real_row(
    ollama_binary: Path, registry_binary: Path, *, rounds: int, seconds: int
) -> dict[str, Value]:
    """A real Ollama and a real registry whose downloads are held to a rate."""
    size = REAL_RATE * seconds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="octl-")))
        ollama = stack.enter_context(OllamaProcess(ollama_binary, folder / "ollama"))
        (folder / "registry").mkdir()
        registry = stack.enter_context(RegistryProcess(registry_binary, folder / "registry"))
        settings = {"OLLAMACTL_INSECURE_REGISTRIES": registry.host}
        _panel, api, server = stack.enter_context(running_panel(ollama.url, **settings))

        def new_model() -> str:
            registry.blobs.rate = None
            pushed = registry.push_layers([os.urandom(size)])
            registry.blobs.rate = REAL_RATE
            return pushed.name

        pairs = run_pairs(rounds, new_model, ollama.url, api, server)
    return row_of("real Ollama and registry", size, REAL_RATE, pairs)


def run_pairs(
    rounds: int, new_model: NewModel, ollama_url: str, api: Api, server: int
) -> list[Pair]:
    """One of each kind a round; which one is first changes with the round."""
    pairs = []
    for number in range(rounds):
        managed_first = number % 2 == 1
        names = new_model(), new_model()
        if managed_first:
            accepted, managed = managed_seconds(api, server, names[0])
            direct = direct_seconds(ollama_url, names[1])
        else:
            direct = direct_seconds(ollama_url, names[0])
            accepted, managed = managed_seconds(api, server, names[1])
        pairs.append(Pair(direct, managed, accepted))
    return pairs


def direct_seconds(ollama_url: str, name: str) -> float:
    """Until Ollama itself says `success`."""
    body = {"model": name, "insecure": True}
    begun = time.perf_counter()
    last = ""
    with httpx.stream(
        "POST", f"{ollama_url}/api/pull", json=body, timeout=PATIENCE, verify=PLAIN, trust_env=False
    ) as answer:
        for line in answer.iter_lines():
            last = line
    seconds = time.perf_counter() - begun
    if json.loads(last).get("status") != "success":
        raise RuntimeError(f"the direct pull of {name} failed: {last}")
    return seconds


def managed_seconds(api: Api, server: int, name: str) -> tuple[float, float]:
    """Until the panel has answered, and until a program on the socket hears of the end."""
    listener = api.listen("tasks")
    begun = time.perf_counter()
    answer = api.post("models/", {"name": name, "server": server})
    accepted = time.perf_counter() - begun
    while True:
        message = listener.next("task.changed", timeout=PATIENCE)
        task = message["data"]
        if task["id"] == answer["task"]["id"] and task["state"] in ENDED:
            break
    seconds = time.perf_counter() - begun
    listener.close()
    if task["state"] != "succeeded":
        raise RuntimeError(f"the managed pull of {name} failed: {task['error']}")
    return accepted, seconds


def row_of(what: str, size: int, rate: int, pairs: list[Pair]) -> dict[str, Value]:
    """The medians; the ratio is that of the pairs, each of two neighbours in time."""
    ratios = [pair.managed / pair.direct for pair in pairs]
    return {
        "pulled from": what,
        "MB": size / 1e6,
        "MB/s": rate / 1e6,
        "pairs": len(pairs),
        "direct s": median([pair.direct for pair in pairs]),
        "managed s": median([pair.managed for pair in pairs]),
        "managed − direct s": median([pair.managed - pair.direct for pair in pairs]),
        "answered after s": median([pair.accepted for pair in pairs]),
        "ratio": f"{median(ratios):.3f}",
        "range": f"{min(ratios):.3f}–{max(ratios):.3f}",
    }
