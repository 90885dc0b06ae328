"""The check before a download: what it asks, what it takes, and what it blocks."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.choices import ServerStatus
from models_app.models import OllamaServer
from models_app.resources.verdict import Preflight
from models_app.services import lifecycle
from models_app.services.preflight import check_pull
from ollamactl.lib.errors import Conflict, NotPermitted
from ollamactl.simulator.running import RunningSimulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.factories import UserFactory, actor_of
from tests.models.conftest import MB, Engine, Panel, row_of

Simulator = RunningSimulator


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The address of something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def codes(found: Preflight) -> set[str]:
    return {reason["code"] for reason in found.reasons}


def check(server: OllamaServer, name: str = "wanted", **options: Any) -> Preflight:
    return check_pull(server=server, name=name, **options)


def test_what_a_download_needs(server: OllamaServer, simulator: Simulator, disk: Any) -> None:
    simulator.control.publish("wanted", 5 * MB)
    found = check(server)
    needed = found.download_bytes
    assert needed is not None
    assert 5 * MB < needed < 5.1 * MB
    assert (found.verdict, found.estimate) == ("ok", "manifest")
    assert found.disk == {
        "state": "ok",
        "free": 100 * MB,
        "reserved": 0,
        "reserved_guessed": 0,
        "kept": 0,
        "needed": needed,
        "after": 100 * MB - needed,
    }
    latency = found.network.pop("latency_ms")
    assert 0 < latency < 2000
    assert found.network == {"state": "ok", "rate": None, "seconds": None}
    assert (found.memory["state"], found.gpu["state"]) == ("unknown", "unknown")
    assert found.downloads == {
        "running": 0,
        "limit": 3,
        "overall_running": 0,
        "overall_limit": None,
        "held": False,
    }
    assert codes(found) == {"simulated"}


def test_layers_that_are_there_need_no_room(server: OllamaServer, simulator: Simulator) -> None:
    simulator.control.publish("wanted", 5 * MB)
    simulator.control.install("wanted")
    assert check(server).download_bytes == 0


def test_a_disk_that_is_too_small_blocks(
    server: OllamaServer, simulator: Simulator, disk: dict[str, int]
) -> None:
    simulator.control.publish("wanted", 5 * MB)
    disk["free"] = 4 * MB
    found = check(server)
    assert (found.verdict, found.disk["state"]) == ("block", "block")
    assert found.disk["after"] < 0
    assert "The disk has 4 MB free, 0 B of it for other downloads" in found.sentence()


def test_pulls_that_wait_have_reserved_their_bytes(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    simulator.control.publish("first", 30 * MB)
    simulator.control.publish("second", 40 * MB)
    simulator.control.publish("third", 50 * MB)
    first, second = panel.pull("first"), panel.pull("second")
    assert first.task.payload["needed"] == first.preflight.download_bytes
    assert second.preflight.disk["reserved"] == first.preflight.download_bytes
    with pytest.raises(Conflict) as refused:
        panel.pull("third")
    assert refused.value.code == "insufficient_resources"
    disk_found = refused.value.extra["preflight"]["disk"]
    assert disk_found["reserved"] == sum(
        pull.preflight.download_bytes or 0 for pull in (first, second)
    )
    # As it comes, less is reserved.
    Task.objects.filter(pk=first.task.pk).update(done=29 * MB, total=30 * MB, state="paused")
    assert check(panel.server, "third").disk["reserved"] < 42 * MB
    Task.objects.filter(pk=first.task.pk).update(state="queued", done=None, total=None)


def test_the_check_is_repeated_when_the_pull_begins(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    simulator.control.publish("wanted", 30 * MB)
    pull = panel.pull("wanted")
    disk["free"] = 10 * MB
    work_off("pulls")
    task = panel.wait(pull.task, "failed")
    assert (task.error or {})["code"] == "insufficient_resources"
    model = panel.model("wanted")
    assert "The disk has 10 MB free" in str(model.message)
    assert simulator.control.pulls("wanted:latest") == {}
    disk["free"] = 100 * MB
    lifecycle.retry_work(actor=SYSTEM, model=model)
    work_off("pulls")
    panel.wait(pull.task)


def test_a_pull_that_begins_does_not_count_those_behind_it(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    for name in ("first", "second"):
        simulator.control.publish(name, 40 * MB)
    first, second = panel.pull("first"), panel.pull("second")
    disk["free"] = 50 * MB
    assert check(panel.server, "first", task=first.task).verdict == "ok"
    assert check(panel.server, "second", task=second.task).verdict == "ok"
    assert check(panel.server, "second").verdict == "block"


def test_an_override_is_a_permission_audited_and_kept(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    simulator.control.publish("wanted", 30 * MB)
    disk["free"] = MB
    operator = actor_of(UserFactory(role="operator"))
    with pytest.raises(NotPermitted) as refused:
        panel.pull("wanted", actor=operator, override=True)
    assert refused.value.extra == {"permission": "models_app.override_preflight"}
    administrator = actor_of(UserFactory(role="administrator"))
    pull = panel.pull("wanted", actor=administrator, override=True)
    record = AuditRecord.objects.get(verb="model.pull")
    assert record.user == administrator.user
    assert record.data["override"] is True
    assert (record.data["preflight"], "disk_too_small" in record.data["reasons"]) == ("block", True)
    assert pull.task.payload["override"] is True
    work_off("pulls")  # the later check keeps to it
    panel.wait(pull.task)


def test_over_the_limit_it_says_how_many_are_before(
    panel: Panel, simulator: Simulator, engine: Engine
) -> None:
    panel.server.max_downloads = 1
    panel.server.save()
    simulator.control.speed(MB)
    tasks = []
    for name in ("a", "b", "c"):
        simulator.control.publish(name, 20 * MB)
        tasks.append(panel.pull(name).task)
    panel.wait(tasks[0], "running")
    found = check(panel.server, "c")
    assert found.verdict == "warn"
    assert (found.downloads["running"], found.downloads["limit"]) == (1, 1)
    said = str(found.reason("queued_behind"))
    assert said == "Downloads before this one: 3. This server runs 1 at once."


def test_two_seconds_in_all_and_what_is_known_by_then(
    server: OllamaServer, simulator: Simulator
) -> None:
    simulator.control.publish("wanted", 5 * MB)
    simulator.control.fault("hang", endpoint="/api/*")
    begun = time.monotonic()
    found = check(server)
    assert time.monotonic() - begun < 2.5
    assert found.verdict == "warn"
    assert codes(found) == {"server_silent", "simulated"}
    assert (found.download_bytes or 0) > 5 * MB  # the manifest came, the layers were not looked up


def test_a_registry_that_hangs_is_unknown_and_warns(
    server: OllamaServer, simulator: Simulator
) -> None:
    simulator.control.publish("wanted", 5 * MB)
    simulator.control.fault("hang", endpoint="/v2/*")
    found = check(server)
    assert (found.verdict, found.download_bytes) == ("warn", None)
    assert (found.network["state"], found.network["latency_ms"]) == ("unknown", None)
    assert codes(found) == {"registry_timeout", "simulated"}


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (401, "registry_denied", "warn"),
        (500, "registry_unreachable", "warn"),
        (404, "model_missing", "block"),
    ],
)
def test_only_a_model_that_is_not_there_is_certain(
    server: OllamaServer, simulator: Simulator, status: int, code: str, verdict: str
) -> None:
    simulator.control.publish("wanted", 5 * MB)
    simulator.control.fault("http_error", endpoint="/v2/*", status=status, message="no")
    found = check(server)
    assert (found.verdict, codes(found) - {"simulated"}) == (verdict, {code})


@pytest.mark.django_db
def test_a_registry_that_is_not_in_the_settings_only_warns(simulator: Simulator) -> None:
    server = row_of(simulator, version="0.24.0")
    found = check(server, "registry.example/team/x")
    assert (found.verdict, codes(found)) == ("warn", {"registry_not_allowed"})


def test_a_server_that_is_down_blocks(server: OllamaServer, simulator: Simulator) -> None:
    simulator.stop()
    found = check(server)
    assert found.verdict == "block"
    assert "Check that Ollama runs there" in found.sentence()


def test_a_server_that_is_back_is_believed(server: OllamaServer, simulator: Simulator) -> None:
    simulator.control.publish("wanted", MB)
    OllamaServer.objects.update(status=ServerStatus.OFFLINE)
    server.refresh_from_db()
    assert check(server).verdict == "ok"


@pytest.mark.django_db
def test_one_that_hangs_and_was_offline_blocks(silent_url: str) -> None:
    server = OllamaServer.objects.create(
        name="silent", base_url=silent_url, status=ServerStatus.OFFLINE
    )
    begun = time.monotonic()
    found = check(server, "127.0.0.1:1/library/x")
    assert time.monotonic() - begun < 2.5
    assert (found.verdict, "server_offline" in codes(found)) == ("block", True)


def test_a_running_download_is_counted_by_what_is_left(
    panel: Panel, simulator: Simulator, engine: Engine
) -> None:
    simulator.control.publish("runs", 40 * MB)
    simulator.control.publish("wanted", MB)
    simulator.control.speed(10 * MB)
    task = panel.pull("runs").task
    panel.wait_for_bytes(task, 10 * MB)
    reserved = check(panel.server).disk["reserved"]
    assert 0 < reserved < 31 * MB
    simulator.control.speed(1e9)
    panel.wait(task)

    def nothing() -> bool:
        return bool(check(panel.server).disk["reserved"] == 0)

    wait_until(nothing, "nothing is reserved any more")
