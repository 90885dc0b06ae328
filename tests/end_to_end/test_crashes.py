"""Pulls on a real Ollama while processes are killed: each ends once, and nothing is left behind."""

from __future__ import annotations

import json
import os
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tasks_app.clock import LEASE
from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import ENDED, Api, Json
from tests.socket.client import Message

pytestmark = pytest.mark.alone

ALL_AT_ONCE = 10
SIZE = 4_000_000  # bytes of each model
RATE = 1_000_000  # bytes a second, all downloads together: slow enough to be met in the middle
# A model without tensors and keys: an Ollama that starts reads what its models say of themselves,
# and does not survive it where that makes no sense.
EMPTY_GGUF = struct.pack("<4sIQQ", b"GGUF", 3, 0, 0)


class Downloads:
    """Some pulls under way, slowly, until they are let go."""

    def __init__(
        self, api: Api, registry: RegistryProcess, models: list[PushedModel], answers: list[Json]
    ) -> None:
        self.api = api
        self.registry = registry
        self.models = models
        self.ids = [answer["task"]["id"] for answer in answers]

    def rows(self) -> list[Json]:
        wanted = set(self.ids)
        return [row for row in self.api.all("tasks/", type="model.pull") if row["id"] in wanted]

    def are_in_the_middle(self) -> bool:
        rows = self.rows()
        return all(
            row["state"] == "running" and 0 < (row["progress"]["done"] or 0) < SIZE for row in rows
        )

    def have_ended(self) -> bool:
        return all(row["state"] in ENDED for row in self.rows())

    def end_well(self, ollama: OllamaProcess, timeout: float = 60) -> None:
        """Let them go once all run again. Each succeeds, each model is there, whole and once."""
        wait_until(self.are_in_the_middle, "all go on", timeout)
        self.registry.blobs.rate = None
        wait_until(self.have_ended, "all have ended", timeout)
        rows = self.rows()
        assert [row["state"] for row in rows] == ["succeeded"] * len(self.ids), rows
        assert {row["attempt"] for row in rows} == {1}
        tags = httpx.get(f"{ollama.url}/api/tags", verify=PLAIN, trust_env=False).json()["models"]
        there = Counter((row["name"], row["digest"]) for row in tags)
        for pushed in self.models:
            model = self.api.model(pushed.name)
            assert model is not None
            assert (model["status"], model["digest"]) == ("stopped", pushed.digest)
            assert there[model["name"], pushed.digest] == 1
        pulls = Counter(row["resource_id"] for row in self.api.all("tasks/", type="model.pull"))
        assert {pulls[row["resource_id"]] for row in rows} == {1}


class Witness:
    """Somebody on the socket who notes all events about tasks, through reconnects of its own."""

    def __init__(self, api: Api) -> None:
        self.events: list[tuple[float, Message]] = []
        self._listener = api.listen("tasks")
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for text in self._listener.connection:
            self.events.append((time.monotonic(), json.loads(text)))

    def times(self, task: int, state: str) -> list[float]:
        """When it was heard that the task has this state."""
        return [
            at
            for at, message in list(self.events)
            if message["type"] == "task.changed"
            and message["data"]["id"] == task
            and message["data"]["state"] == state
        ]

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def downloads(admin: Api, server: int, real_registry: RegistryProcess) -> Iterator[Downloads]:
    """Ten pulls in the middle."""
    path = f"servers/{server}/"
    changed = admin.call("PATCH", path, json={"limits": {"max_downloads": ALL_AT_ONCE}})
    assert changed.status_code == 200, changed.text
    pushed = [push_model(real_registry, SIZE) for _ in range(ALL_AT_ONCE)]
    real_registry.blobs.sent = 0
    real_registry.blobs.rate = RATE

    def pull(model: PushedModel) -> Json:
        return admin.post("models/", {"name": model.name, "server": server})

    with ThreadPoolExecutor(ALL_AT_ONCE) as pool:
        answers = list(pool.map(pull, pushed))
    downloads = Downloads(admin, real_registry, pushed, answers)
    wait_until(downloads.are_in_the_middle, "all are in the middle", 20)
    yield downloads
    real_registry.blobs.rate = None
    wait_until(downloads.have_ended, "all have ended", 60)
    for row in downloads.rows():
        admin.succeed(admin.delete(f"models/{row['resource_id']}/"))


@pytest.fixture
def witness(admin: Api, downloads: Downloads) -> Iterator[Witness]:
    witness = Witness(admin)
    yield witness
    witness.close()


def push_model(registry: RegistryProcess, size: int, *, layers: int = 1) -> PushedModel:
    rest = size // layers - len(EMPTY_GGUF)
    return registry.push_layers([EMPTY_GGUF + os.urandom(rest) for _ in range(layers)])


def kill(panel: PanelProcess, *names: str) -> float:
    """SIGKILL to children, all at one time; returns when."""
    processes = panel.processes()
    for name in names:
        processes[name].kill()
    psutil.wait_procs([processes[name] for name in names], timeout=5)
    return time.monotonic()


def test_a_killed_worker_costs_no_pull(
    panel: PanelProcess,
    downloads: Downloads,
    witness: Witness,
    ollama: OllamaProcess,
    real_registry: RegistryProcess,
) -> None:
    killed_at = kill(panel, "worker")
    downloads.end_well(ollama)
    for task in downloads.ids:
        begun = [at for at in witness.times(task, "running") if at > killed_at]
        assert len(begun) == 1
        # Not once the lease has run out: the next worker takes it back when it starts.
        assert begun[0] - killed_at < LEASE.total_seconds() * 0.7
        assert len(witness.times(task, "succeeded")) == 1
        assert witness.times(task, "failed") == []
    # Ollama went on with what it had: nearly nothing came twice.
    assert real_registry.blobs.sent < SIZE * ALL_AT_ONCE * 1.2


def test_a_killed_web_process_costs_no_pull(
    panel: PanelProcess, downloads: Downloads, ollama: OllamaProcess
) -> None:
    kill(panel, "web")
    assert downloads.api.get("me/")["user"]["username"] == "admin"  # it waits until it is back
    downloads.end_well(ollama)


def test_a_killed_valkey_costs_no_pull_and_no_socket(
    panel: PanelProcess, downloads: Downloads, witness: Witness, ollama: OllamaProcess
) -> None:
    kill(panel, "valkey")
    downloads.end_well(ollama)
    after = downloads.api.listen("tasks")
    wait_until(panel.is_ready, "the panel is ready again", 30)
    ended = {
        row["id"]
        for _at, message in witness.events
        if message["type"] == "snapshot"
        for row in message["data"]["tasks"]
        if row["state"] == "succeeded"
    }
    heard = {task for task in downloads.ids if witness.times(task, "succeeded")}
    assert ended | heard >= set(downloads.ids)
    after.close()


def test_all_children_killed_together_cost_no_pull(
    panel: PanelProcess, downloads: Downloads, ollama: OllamaProcess
) -> None:
    kill(panel, "valkey", "web", "worker")
    wait_until(panel.is_ready, "the panel is ready again", 40)
    downloads.end_well(ollama)


def test_a_power_cut_costs_no_pull(
    panel: PanelProcess, downloads: Downloads, ollama: OllamaProcess
) -> None:
    for process in panel.everything():
        process.kill()
    wait_until(lambda: not panel.everything(), "nothing of it lives")
    panel.wait()
    panel.start()
    downloads.end_well(ollama)


def test_a_killed_ollama_goes_on_where_it_was(
    admin: Api, server: int, ollama: OllamaProcess, real_registry: RegistryProcess
) -> None:
    size = 12_000_000
    pushed = push_model(real_registry, size, layers=4)  # layers that are whole survive a kill
    real_registry.blobs.sent = 0
    real_registry.blobs.rate = 4_000_000
    task = admin.post("models/", {"name": pushed.name, "server": server})["task"]["id"]
    wait_until(lambda: real_registry.blobs.sent > size * 0.6, "half of it has come", 30)
    ollama.kill()
    sent = real_registry.blobs.sent

    def waits() -> Json | None:
        row = admin.get(f"tasks/{task}/")
        return row if row["state"] == "queued" else None

    waiting = wait_until(waits, "it waits for the next attempt", 20)
    assert waiting["error"]["retryable"]
    assert waiting["progress"]["done"] > 0
    model = admin.model(pushed.name)
    assert model is not None
    assert model["status"] == "waiting"
    assert model["message"] == waiting["error"]["detail"]

    ollama.start()
    ended = admin.wait_for_task(task)
    assert ended["state"] == "succeeded"
    assert ended["error"] is None
    assert ended["attempt"] > 1
    assert real_registry.blobs.sent - sent < size * 0.6
    admin.succeed(admin.delete(f"models/{model['id']}/"))
