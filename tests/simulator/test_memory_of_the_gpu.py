"""Loaded models share the simulated GPU: whole, split, on the CPU, or evicted."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.waiting import wait_until
from tests.contract.calls import Calls

GB = 1_000_000_000


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """One with 10 GB of GPU memory."""
    with running_simulator(vram=10 * GB, load_speed=math.inf) as running:
        for name, size in (("small", 2), ("medium", 6), ("large", 20)):
            running.control.publish(name, size * GB)
            running.control.install(name)
        yield running


def test_model_that_fits_is_on_the_gpu_and_a_larger_one_is_split(calls: Calls) -> None:
    calls.generate("small")
    small = calls.loaded()["small:latest"]
    assert small["size_vram"] == small["size"]
    calls.generate("large")
    large = calls.loaded()["large:latest"]
    assert 0 < large["size_vram"] < large["size"]


def test_without_a_gpu_everything_is_on_the_cpu() -> None:
    with running_simulator(vram=0) as running, Calls(running.url) as calls:
        running.control.install("llama3.2:1b")
        calls.generate("llama3.2:1b")
        assert calls.loaded()["llama3.2:1b"]["size_vram"] == 0


def test_least_wanted_model_makes_room(calls: Calls) -> None:
    calls.generate("medium", keep_alive=60)
    calls.generate("small", keep_alive=-1)
    calls.generate("large")
    assert "medium:latest" not in calls.loaded()


def test_fourth_model_evicts_one_of_three(simulator: RunningSimulator, calls: Calls) -> None:
    for name in ("one", "two", "three", "four"):
        simulator.control.publish(name, GB // 10)
        simulator.control.install(name)
        calls.generate(name)
    wait_until(lambda: len(calls.loaded()) == 3, "three are loaded")
    assert "four:latest" in calls.loaded()


def test_embedding_model_loads_by_embed_alone(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.install("all-minilm")
    refused = calls.generate("all-minilm", keep_alive=-1)
    assert refused.status_code == 400
    assert refused.json() == {"error": '"all-minilm" does not support generate'}
    body = calls.post("/api/embed", json={"model": "all-minilm", "input": ["a", "b", "a"]}).json()
    vectors = body["embeddings"]
    assert [len(vector) for vector in vectors] == [384] * 3
    assert vectors[0] == vectors[2] != vectors[1]
    assert all(math.hypot(*vector) == pytest.approx(1) for vector in vectors)
    assert "all-minilm:latest" in calls.loaded()
    assert calls.generate("all-minilm", keep_alive=0).json()["done_reason"] == "unload"


def test_text_says_that_it_is_simulated(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.install("llama3.2:1b")
    body = calls.generate("llama3.2:1b", prompt="Who are you?", stream=False).json()
    assert body["response"].startswith("This is a simulated answer by llama3.2:1b")
    assert "Who are you?" in body["response"]
