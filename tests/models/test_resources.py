"""What the check says of memory, GPUs, the disk to be kept free, the network: each verdict."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from models_app.models import OllamaServer, PanelSettings
from models_app.probes import Candidate, Disk
from models_app.resources import host, machine
from models_app.resources.machine import Gpu, GpuProblem, Gpus, Memory
from models_app.resources.verdict import Preflight
from models_app.services.preflight import check_pull
from ollamactl.simulator.running import RunningSimulator
from tests.factories import TaskFactory
from tests.models.conftest import MB, row_of

GB = 1000 * MB
Simulator = RunningSimulator
FOLDER = Path("/models")
CARD = Gpu("Card", total=24 * GB, free=20 * GB)
SHARED = Gpu("GB10", state="shared")


@pytest.fixture
def local(db: None, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A server whose machine this is, with what the looks at it find."""
    # What counts here is what is said, not how soon: others say what happens when it is late.
    monkeypatch.setattr("models_app.services.survey.SECONDS", 20.0)
    monkeypatch.setattr(host, "SECONDS", 20.0)
    found: dict[str, Any] = {"disk": 100 * GB, "memory": Memory(32 * GB, 16 * GB), "gpus": None}
    monkeypatch.setattr(host, "local_candidate", lambda server: Candidate(()))
    monkeypatch.setattr(Candidate, "disk", lambda candidate: disk_of(found["disk"]))
    monkeypatch.setattr(host, "main_memory", lambda: found["memory"])
    monkeypatch.setattr(host, "gpus", lambda: Gpus(found["gpus"]))
    return found


def disk_of(free: int | None) -> Disk | None:
    return Disk(free, 1, FOLDER) if free is not None else None


def check(simulator: Simulator, **options: Any) -> Preflight:
    server = OllamaServer.objects.first() or row_of(simulator)
    simulator.control.publish("wanted", 2 * MB)
    found = check_pull(server=server, name="wanted", **options)
    assert found.manifest is not None
    return found


def codes(found: Preflight) -> set[str]:
    return {reason["code"] for reason in found.reasons} - {"simulated"}


@pytest.fixture(autouse=True)
def needs(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How much memory the model takes; the registry's models are small."""
    needed = {"bytes": 8 * GB}
    monkeypatch.setattr(
        "models_app.resources.needs.memory_needed", lambda weights, **options: needed["bytes"]
    )
    return needed


def test_enough_memory(local: dict[str, Any], simulator: Simulator) -> None:
    found = check(simulator)
    assert found.memory == {
        "state": "ok",
        "free": 16 * GB,
        "total": 32 * GB,
        "kept": 0,
        "needed": 8 * GB,
        "context_length": 4096,
        "estimate": "table",
    }
    assert (found.gpu["state"], found.gpu["free"], found.verdict) == ("unknown", None, "ok")


@pytest.mark.parametrize(
    ("needed", "gpus", "memory", "gpu", "code"),
    [
        (17 * GB, None, "warn", "unknown", "memory_short"),
        (40 * GB, None, "warn", "unknown", "memory_too_small"),
        (17 * GB, [CARD], "ok", "ok", None),
        (30 * GB, [CARD], "ok", "warn", "gpu_partly"),
        (40 * GB, [CARD], "warn", "warn", "memory_short"),
        (17 * GB, [], "warn", "unknown", "memory_short"),
        (8 * GB, [SHARED], "ok", "unknown", None),
        (17 * GB, [SHARED], "warn", "unknown", "memory_short"),
        (17 * GB, [CARD, SHARED], "ok", "ok", None),
        (22 * GB, [CARD, SHARED], "ok", "unknown", None),
    ],
)
def test_memory_warns_and_never_blocks(
    local: dict[str, Any],
    simulator: Simulator,
    needs: dict[str, int],
    needed: int,
    gpus: list[Gpu] | None,
    memory: str,
    gpu: str,
    code: str | None,
) -> None:
    needs["bytes"], local["gpus"] = needed, gpus
    found = check(simulator)
    assert (found.memory["state"], found.gpu["state"]) == (memory, gpu)
    assert code is None or code in codes(found)
    assert found.verdict == ("warn" if memory == "warn" else "ok")


def test_why_the_gpus_are_not_known(
    local: dict[str, Any], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    local["gpus"] = []
    gpu = check(simulator).as_json()["gpu"]
    assert (gpu["free"], gpu["problem"], gpu["detail"]) == (0, "", "no NVIDIA GPU")
    monkeypatch.setattr(host, "gpus", lambda: Gpus(problem=GpuProblem.MISMATCH))
    gpu = check(simulator).as_json()["gpu"]
    assert (gpu["free"], gpu["problem"]) == (None, "mismatch")
    assert gpu["detail"] == "NVIDIA's driver and its library differ: restart the machine"
    monkeypatch.setattr(host, "gpus", lambda: Gpus([SHARED]))
    gpu = check(simulator).as_json()["gpu"]
    assert (gpu["free"], gpu["total"], gpu["detail"]) == (None, None, "")
    assert gpu["devices"][0]["problem"] == "uses the machine's own memory"


def test_some_memory_is_to_be_kept(local: dict[str, Any], simulator: Simulator) -> None:
    server = row_of(simulator, keep_free_memory=10 * GB)
    assert check(simulator).memory["state"] == "warn"
    OllamaServer.objects.filter(pk=server.pk).update(keep_free_memory=None)
    assert check(simulator).memory["state"] == "ok"
    PanelSettings.objects.create(pk=1, keep_free_memory=10 * GB)
    assert check(simulator).memory["kept"] == 10 * GB


def test_some_disk_is_to_be_kept(local: dict[str, Any], simulator: Simulator) -> None:
    local["disk"] = GB + MB
    found = check(simulator)
    assert (found.verdict, found.disk["kept"]) == ("block", GB)
    assert "1 GB to be kept free" in found.sentence()
    OllamaServer.objects.update(keep_free_disk=0)
    assert check(simulator).verdict == "ok"


def test_an_estimate_never_blocks(local: dict[str, Any], simulator: Simulator) -> None:
    local["disk"] = 3 * GB
    server = row_of(simulator)
    simulator.control.fault("http_error", endpoint="/v2/*", status=500, message="no")
    for name, estimate in (("team/x:8b-q4_K_M", "details"), ("team/x:8b", "table")):
        found = check_pull(server=server, name=name)
        assert (found.verdict, found.estimate) == ("warn", estimate)
        assert found.disk["state"] == "warn"
        assert {"registry_unreachable", "disk_maybe_too_small"} <= codes(found)
        assert 4 * GB < (found.download_bytes or 0) < 6 * GB


def test_without_proof_nothing_is_known(local: dict[str, Any], simulator: Simulator) -> None:
    local["disk"] = None
    found = check(simulator)
    assert (found.disk["state"], found.memory["state"]) == ("unknown", "unknown")
    assert found.memory["needed"] == 8 * GB
    assert found.verdict == "ok"


def test_what_hangs_is_unknown_and_warns(
    local: dict[str, Any], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(host, "gpus", lambda: never.wait(30))
    monkeypatch.setattr(host, "SECONDS", 0.3)
    begun = time.monotonic()
    found = check(simulator)
    assert time.monotonic() - begun < 10
    never.set()
    assert found.gpu["state"] == "unknown"
    assert (found.verdict, codes(found)) == ("warn", {"gpu_timeout"})


def test_a_probe_that_breaks_is_unknown(
    local: dict[str, Any], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Memory:
        raise OSError("no such driver")

    monkeypatch.setattr(host, "main_memory", broken)
    assert check(simulator).memory["state"] == "unknown"


def test_the_context_counts(local: dict[str, Any], simulator: Simulator) -> None:
    assert check(simulator, context_length=8192).memory["context_length"] == 8192


def test_the_rate_of_the_last_downloads(local: dict[str, Any], simulator: Simulator) -> None:
    server, now = row_of(simulator), timezone.now()
    for seconds in (5, 10, 20):
        TaskFactory(
            limit_key=f"server.pulls:{server.pk}",
            state="succeeded",
            attempt=1,
            payload={"needed": 100 * MB},
            started_at=now - timedelta(seconds=seconds),
            finished_at=now,
        )
    found = check(simulator)
    assert found.network["rate"] == 10 * MB
    assert found.network["seconds"] == round((found.download_bytes or 0) / (10 * MB), 1)


def test_this_machine_is_seen() -> None:
    memory = machine.main_memory()
    assert 0 < memory.free <= memory.total
    assert all(gpu.name for gpu in machine.gpus().cards or [])
