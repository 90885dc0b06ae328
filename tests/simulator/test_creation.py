"""Models made on the simulated server."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ollamactl.simulator.running import RunningSimulator
from tests.contract.calls import Calls


def _create(calls: Calls, **order: Any) -> list[dict[str, Any]]:
    answer = calls.post("/api/create", json=order)
    return [json.loads(line) for line in answer.text.splitlines()]


def test_missing_base_is_pulled_first(simulator: RunningSimulator, calls: Calls) -> None:
    simulator.control.publish("base", 1_000_000)
    lines = _create(calls, model="made", **{"from": "base"}, parameters={"num_ctx": 8192})
    statuses = [line["status"] for line in lines]
    assert statuses[0] == "pulling manifest"
    assert statuses.count("success") == 1
    assert set(calls.tags()) == {"base:latest", "made:latest"}
    shown = calls.post("/api/show", json={"model": "made"}).json()
    assert shown["parameters"].split() == ["num_ctx", "8192"]


def test_base_that_is_nowhere_ends_the_creation(calls: Calls) -> None:
    assert _create(calls, model="made", **{"from": "absent"})[-1] == {
        "error": "pull model manifest: file does not exist"
    }
    assert _create(calls, model="made", **{"from": "a b"}) == [{"error": "invalid model name"}]
    assert calls.tags() == {}


def test_uploaded_blob_becomes_a_model(calls: Calls) -> None:
    digest = f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    missing = _create(calls, model="made", files={"model.gguf": digest})
    assert missing[-1]["error"].endswith("no such file or directory")
    assert calls.post(f"/api/blobs/{digest}", content=b"weights").status_code == 201
    lines = _create(calls, model="made", files={"model.gguf": digest}, template="{{ .Prompt }}")
    assert lines[0] == {"status": f"using existing layer {digest}"}
    assert lines[-1] == {"status": "success"}
    assert calls.generate("made", prompt="Hello", stream=False).json()["response"]
