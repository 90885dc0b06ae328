"""The main job by a program with a token, on a real Ollama, a real registry and a real model."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.components.inventory import OLLAMA_VERSION
from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api, Json
from tests.socket.client import Listener, Message

RATE = 60e6  # bytes a second: the model takes four seconds


@pytest.fixture
def events(admin: Api) -> Iterator[Listener]:
    listener = admin.listen("models", "tasks")
    yield listener
    listener.close()


@pytest.fixture
def installed(admin: Api, server: int, pullable_model: PushedModel) -> Json:
    """The tiny model in the panel, pulled by it if no test has done so yet."""
    model = admin.model(pullable_model.name)
    if model is None:
        admin.succeed(admin.post("models/", {"name": pullable_model.name, "server": server}))
        model = admin.model(pullable_model.name)
    assert model is not None
    return model


def tags(ollama: OllamaProcess) -> dict[str, Json]:
    rows = httpx.get(f"{ollama.url}/api/tags", verify=PLAIN, trust_env=False).json()["models"]
    return {row["name"]: row for row in rows}


def loaded(ollama: OllamaProcess) -> list[Json]:
    rows: list[Json] = httpx.get(f"{ollama.url}/api/ps", verify=PLAIN, trust_env=False).json()[
        "models"
    ]
    return rows


def hear_the_end(events: Listener, task: int) -> list[Message]:
    """All events about a task up to its end."""
    heard = []
    while True:
        message = events.next(timeout=60)
        if message.get("subject") != f"task:{task}":
            continue
        heard.append(message)
        if message["data"].get("state") in ("succeeded", "failed", "cancelled"):
            return heard


def test_the_server_is_found_and_described(admin: Api, server: int, ollama: OllamaProcess) -> None:
    row = admin.get(f"servers/{server}/")
    assert (row["status"], row["version"]) == ("online", OLLAMA_VERSION)
    assert 0 < row["latency_ms"] < 3000
    assert row["last_seen_at"]


def test_a_pull_is_checked_watched_and_kept(
    admin: Api,
    server: int,
    ollama: OllamaProcess,
    real_registry: RegistryProcess,
    pullable_model: PushedModel,
    events: Listener,
) -> None:
    wanted = {"name": pullable_model.name, "server": server}
    preflight = admin.post("models/preflight/", wanted, status=200)
    assert (preflight["verdict"], preflight["estimate"]) == ("ok", "manifest")
    assert preflight["download_bytes"] == pullable_model.size

    real_registry.blobs.rate = RATE
    accepted = admin.post("models/", wanted)
    # It may have begun already: a worker is woken when the row is there.
    assert accepted["model"]["status"] in ("waiting", "downloading")
    task = accepted["task"]["id"]
    status, code, _sentence = admin.refusal("POST", "models/", wanted)
    assert (status, code) == (409, "conflict")

    heard = hear_the_end(events, task)
    steps = [message["data"] for message in heard if message["type"] == "task.progress"]
    done = [step["done"] for step in steps if step["phase"] == "downloading"]
    assert len(done) > 4
    assert done == sorted(done)
    assert 0 < done[len(done) // 2] < pullable_model.size
    assert {step["total"] for step in steps if step["total"]} == {pullable_model.size}
    assert any(RATE / 4 < (step["rate"] or 0) < RATE * 4 for step in steps)
    sequence = [message["seq"] for message in heard]
    assert sequence == sorted(set(sequence))
    assert heard[-1]["data"]["state"] == "succeeded"

    model = admin.model(pullable_model.name)
    assert model is not None
    assert (model["status"], model["message"], model["from"]) == ("stopped", "", "registry")
    assert (model["size"], model["digest"]) == (pullable_model.size, pullable_model.digest)
    assert (model["family"], model["quantization"]) == ("gemma3", "Q4_K_M")
    assert tags(ollama)[model["name"]]["digest"] == pullable_model.digest
    assert model["log_file_exist"]
    log = admin.call("GET", f"models/{model['id']}/log/").text
    assert f"sha256:{pullable_model.digest}" in log
    assert "success" in log
    details = admin.get(f"models/{model['id']}/")["details"]
    assert details["context_length"] > 512
    assert "completion" in details["capabilities"]


def test_start_loads_and_stop_unloads(
    admin: Api, installed: Json, ollama: OllamaProcess, events: Listener
) -> None:
    path = f"models/{installed['id']}/"
    started = admin.post(f"{path}start/")
    hear_the_end(events, started["task"]["id"])
    model = admin.get(path)
    assert model["status"] == "running"
    (at_ollama,) = loaded(ollama)
    assert at_ollama["digest"] == installed["digest"]
    assert model["loaded"] == {
        "size": at_ollama["size"],
        "size_vram": at_ollama["size_vram"],
        "processor": "100% CPU",
        "context_length": at_ollama["context_length"],
        "expires_at": None,
    }
    assert [row["id"] for row in admin.all("models/", loaded="true")] == [installed["id"]]

    hear_the_end(events, admin.post(f"{path}stop/")["task"]["id"])
    model = admin.get(path)
    assert (model["status"], model["loaded"]) == ("stopped", None)
    assert loaded(ollama) == []
    status, code, sentence = admin.refusal("POST", f"{path}stop/")
    assert (status, code) == (409, "conflict")
    assert "is not running" in sentence


def test_what_is_loaded_elsewhere_shows_here(
    admin: Api, installed: Json, ollama: OllamaProcess
) -> None:
    body = {"model": installed["name"], "keep_alive": "10m"}
    httpx.post(f"{ollama.url}/api/generate", json=body, timeout=60, verify=PLAIN, trust_env=False)

    def shows_it() -> Json | None:
        model = admin.get(f"models/{installed['id']}/")
        return model if model["status"] == "running" else None

    model = wait_until(shows_it, "the panel has seen it", 15)
    assert model["loaded"]["expires_at"]
    admin.succeed(admin.post(f"models/{installed['id']}/stop/"))


def test_sync_counts_what_was_changed_outside(
    admin: Api,
    server: int,
    installed: Json,
    ollama: OllamaProcess,
    real_registry: RegistryProcess,
) -> None:
    known = {row["name"] for row in admin.all("models/")}
    earlier = {row["id"] for row in admin.all("tasks/", type="server.sync")}

    def changes() -> Json:
        """The counts of all syncs since: the panel may have seen the change by itself."""
        task = admin.succeed(admin.post("models/sync/", {"server": server}))
        rows = [t for t in admin.all("tasks/", type="server.sync") if t["id"] not in earlier]
        earlier.update(row["id"] for row in rows)
        assert task["id"] in earlier
        results = [row["result"] for row in rows]
        return {key: sum(r[key] for r in results) for key in ("added", "updated", "deleted")}

    pushed = real_registry.push_random_model()
    body = {"model": pushed.name, "insecure": True, "stream": False}
    httpx.post(
        f"{ollama.url}/api/pull", json=body, timeout=60, verify=PLAIN, trust_env=False
    ).raise_for_status()
    assert changes() == {"added": 1, "updated": 0, "deleted": 0}
    added = admin.model(pushed.name)
    assert added is not None
    assert (added["status"], added["size"]) == ("stopped", pushed.size)

    body = {"model": pushed.name}
    httpx.request(
        "DELETE", f"{ollama.url}/api/delete", json=body, timeout=60, verify=PLAIN, trust_env=False
    )
    assert changes() == {"added": 0, "updated": 0, "deleted": 1}
    assert {row["name"] for row in admin.all("models/")} == known
    assert changes() == {"added": 0, "updated": 0, "deleted": 0}


def test_a_model_that_ollama_cannot_load_says_so(
    admin: Api, server: int, real_registry: RegistryProcess
) -> None:
    """Random bytes: Ollama lists them, and answers a load with 500 and an empty body."""
    pushed = real_registry.push_random_model()
    admin.succeed(admin.post("models/", {"name": pushed.name, "server": server}))
    model = admin.model(pushed.name)
    assert model is not None
    task = admin.wait_for_task(admin.post(f"models/{model['id']}/start/")["task"]["id"])
    assert task["state"] == "failed"
    model = admin.get(f"models/{model['id']}/")
    assert model["status"] == "stopped"
    assert model["message"] == task["error"]["detail"]
    assert len(model["message"]) > 20
    admin.succeed(admin.delete(f"models/{model['id']}/"))
    assert admin.model(pushed.name) is None


def test_delete_removes_it_here_and_there(
    admin: Api, installed: Json, ollama: OllamaProcess, events: Listener
) -> None:
    path = f"models/{installed['id']}/"
    admin.succeed(admin.post(f"{path}start/"))
    pull = admin.all("tasks/", type="model.pull", resource_id=installed["id"])[0]
    admin.succeed(admin.delete(path))

    assert admin.call("GET", path).status_code == 404
    assert loaded(ollama) == []
    assert installed["name"] not in tags(ollama)
    events.next("model.removed")
    assert admin.get(f"tasks/{pull['id']}/")["log_file_exist"] is False
    assert admin.refusal("GET", f"tasks/{pull['id']}/log/")[:2] == (404, "log_missing")


def test_all_of_it_is_audited(admin: Api, server: int, real_registry: RegistryProcess) -> None:
    pushed = real_registry.push_random_model()
    accepted = admin.post("models/", {"name": pushed.name, "server": server})
    admin.succeed(accepted)
    path = f"models/{accepted['model']['id']}/"
    admin.wait_for_task(admin.post(f"{path}start/")["task"]["id"])
    admin.succeed(admin.delete(path))
    rows = admin.all("audit/", resource_type="model", resource_id=accepted["model"]["id"])
    assert sorted(row["verb"] for row in rows) == ["model.delete", "model.pull", "model.start"]
    seen = {(row["user_name"], row["origin"], row["address"], row["outcome"]) for row in rows}
    assert seen == {("admin", "api", "127.0.0.1", rows[0]["outcome"])}
