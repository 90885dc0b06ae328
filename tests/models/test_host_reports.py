"""What a worker on a server's host says counts first, while it is fresh, and is unknown after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from audit_app.actors import SYSTEM
from models_app import probes
from models_app.batches.selection import Selection
from models_app.catalogue import find
from models_app.host_models import FolderProblem, HostReport
from models_app.host_reports import Seen, forget_report, report_of, write_report
from models_app.models import OllamaServer, PanelSettings
from models_app.resources import host
from models_app.resources.fitting import DISK, room_of
from models_app.resources.machine import Gpu, Memory
from models_app.resources.verdict import Preflight
from models_app.services import batches, lifecycle
from models_app.services.panel_settings import update_settings
from models_app.services.preflight import check_pull
from ollamactl.simulator.running import RunningSimulator
from tests.models.conftest import MB, Panel

Simulator = RunningSimulator
GB = 1000 * MB
CARD = Gpu("Card", total=24 * GB, free=20 * GB)
SEEN = Seen(
    host="gpu-1",
    folder="/models",
    disk_total=500 * GB,
    disk_free=100 * GB,
    memory=Memory(64 * GB, 32 * GB),
    gpus=[CARD],
)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts here is what is said, not how soon."""
    monkeypatch.setattr("models_app.services.survey.SECONDS", 20.0)


def say(server: OllamaServer, **changes: Any) -> HostReport:
    """The worker on the host reports just now."""
    report = write_report(server.pk, Seen(**{**vars(SEEN), **changes}))
    assert report is not None
    return report


def fall_silent(server: OllamaServer, seconds: float = 31) -> None:
    """The worker's last word was so long ago."""
    rows = HostReport.objects.filter(pk=server.pk)
    assert rows.update(seen_at=F("seen_at") - timedelta(seconds=seconds)) == 1


def check(server: OllamaServer, simulator: Simulator) -> Preflight:
    simulator.control.publish("wanted", 2 * MB)
    return check_pull(server=server, name="wanted")


def codes(found: Preflight) -> set[str]:
    return {reason["code"] for reason in found.reasons} - {"simulated"}


def test_a_report_is_one_row_that_is_written_again(server: OllamaServer) -> None:
    first = say(server)
    second = say(server, disk_free=90 * GB, host="gpu-2", gpus=None, memory=None)
    assert HostReport.objects.count() == 1
    assert (second.host, second.disk_free, second.memory, second.cards) == (
        "gpu-2",
        90 * GB,
        None,
        None,
    )
    assert second.seq > first.seq
    assert (first.memory, first.cards) == (SEEN.memory, [CARD])
    assert first.is_fresh
    assert first.age < 5


def test_a_server_that_is_gone_takes_no_report(db: None) -> None:
    assert write_report(4711, SEEN) is None


def test_a_report_goes_with_its_server(server: OllamaServer) -> None:
    say(server)
    server.delete()
    assert not HostReport.objects.exists()


@pytest.mark.parametrize(("seconds", "fresh"), [(29, True), (31, False), (-60, False)])
def test_how_long_it_is_believed(server: OllamaServer, seconds: float, fresh: bool) -> None:
    say(server)
    fall_silent(server, seconds)
    report = report_of(server)
    assert report is not None
    assert report.is_fresh is fresh


def test_the_check_goes_by_the_report(server: OllamaServer, simulator: Simulator) -> None:
    say(server)
    found = check(server, simulator)
    assert (found.verdict, codes(found)) == ("ok", set())
    assert (found.disk["state"], found.disk["free"]) == ("ok", 100 * GB)
    assert (found.memory["free"], found.memory["total"]) == (32 * GB, 64 * GB)
    assert [card["free"] for card in found.gpu["devices"]] == [20 * GB]
    said = found.as_json()["host"]
    assert (said["by"], said["name"]) == ("worker", "gpu-1")
    assert said["detail"].startswith("By the worker on its host (gpu-1), ")
    assert said["age_seconds"] < 20


def test_a_disk_that_is_too_small_there_blocks(server: OllamaServer, simulator: Simulator) -> None:
    say(server, disk_free=GB + MB)
    found = check(server, simulator)
    assert (found.verdict, found.disk["state"]) == ("block", "block")
    assert "disk_too_small" in codes(found)


def test_a_silent_worker_is_not_believed(server: OllamaServer, simulator: Simulator) -> None:
    say(server, disk_free=GB)
    fall_silent(server, 125)
    found = check(server, simulator)
    assert (found.disk["state"], found.disk["free"]) == ("unknown", None)
    assert (found.memory["state"], found.gpu["state"]) == ("unknown", "unknown")
    assert (found.verdict, codes(found)) == ("warn", {"host_silent"})
    said = found.as_json()["host"]
    assert (said["by"], said["name"]) == (None, "gpu-1")
    assert "has said nothing for 2m" in said["detail"]


def test_without_a_worker_nothing_is_said_of_one(
    server: OllamaServer, simulator: Simulator
) -> None:
    found = check(server, simulator)
    assert (found.verdict, codes(found)) == ("ok", set())
    assert found.as_json()["host"] == {
        "by": None,
        "name": None,
        "age_seconds": None,
        "detail": "",
    }


def test_a_worker_without_a_folder_says_why(server: OllamaServer, simulator: Simulator) -> None:
    say(server, disk_free=None, disk_total=None, folder="", problem=FolderProblem.OTHER_MODELS)
    found = check(server, simulator)
    assert (found.disk["state"], found.memory["state"]) == ("unknown", "ok")
    assert (found.verdict, codes(found)) == ("warn", {"host_disk_unknown"})


@pytest.mark.usefixtures("own_disk")
def test_the_panels_own_look_counts_where_the_worker_is_silent(
    server: OllamaServer, simulator: Simulator
) -> None:
    say(server)
    assert check(server, simulator).disk["free"] == 100 * GB
    fall_silent(server)
    found = check(server, simulator)
    assert found.disk["free"] == 10 * GB
    assert not codes(found) & {"host_silent", "host_disk_unknown", "disk_timeout"}
    assert found.as_json()["host"]["by"] == "panel"


def test_a_fresh_report_needs_no_look_at_this_machine(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(*_: object) -> None:
        raise AssertionError("this machine was looked at")

    monkeypatch.setattr(host, "local_candidate", looked)
    say(server)
    assert host.HostLook(server).result().disk_free == 100 * GB


def test_the_catalogue_says_what_fits_there(server: OllamaServer) -> None:
    tag = find("registry.ollama.ai/library/llama3.2:3b")
    assert tag is not None
    assert room_of(server).fits(tag) is None
    say(server)
    room = room_of(server)
    assert (room.fits(tag), room.origin["by"]) == (True, "worker")
    say(server, disk_free=GB)
    assert room_of(server).lacks(tag) == DISK
    fall_silent(server)
    assert room_of(server).fits(tag) is None


def test_the_plan_of_many_goes_by_the_report(server: OllamaServer, simulator: Simulator) -> None:
    simulator.control.publish("wanted", 5 * MB)
    selection = Selection(names=["wanted"], servers=[server.pk])

    def plan() -> Any:
        return batches.plan_batch(actor=SYSTEM, operation="pull", selection=selection)

    say(server)
    (each,) = plan().as_json()["servers"]
    assert (each["disk"]["free"], each["host"]["by"]) == (100 * GB, "worker")
    fall_silent(server)
    found = plan()
    (each,) = found.as_json()["servers"]
    assert (each["disk"]["free"], each["host"]["by"]) == (None, None)
    assert "host_silent" in {warning["code"] for warning in found.warnings}


def test_the_gauge_follows_the_reports(server: OllamaServer) -> None:
    assert probes.disk_gauge(server) is None
    say(server, disk_free=7 * GB)
    gauge = probes.disk_gauge(server)
    assert gauge is not None
    assert gauge() == 7 * GB
    say(server, disk_free=6 * GB)
    assert gauge() == 6 * GB
    fall_silent(server)
    assert gauge() is None
    say(server, disk_free=5 * GB)
    assert gauge() == 5 * GB
    forget_report(server.pk, "")
    assert gauge() is None


@pytest.mark.usefixtures("own_disk")
def test_the_gauge_falls_back_to_the_panels_own_look(server: OllamaServer) -> None:
    alone = probes.disk_gauge(server)
    say(server, disk_free=5 * GB)
    gauge = probes.disk_gauge(server)
    assert alone is not None
    assert gauge is not None
    assert (alone(), gauge()) == (10 * GB, 5 * GB)
    fall_silent(server)
    assert gauge() == 10 * GB


@pytest.mark.usefixtures("engine")
def test_a_pull_that_would_fill_the_disk_there_is_paused(
    panel: Panel, simulator: Simulator, settings: Any
) -> None:
    server = OllamaServer.objects.get()
    settings.DISK_WATCH_SECONDS = 0.05
    settings.HOST_REPORT_BELIEVED_SECONDS = 3600
    update_settings(actor=SYSTEM, keep_free_disk=50 * MB)
    say(server)
    simulator.control.publish("wanted", 20 * MB)
    simulator.control.speed(2 * MB)
    task = panel.pull("wanted").task
    panel.wait_for_bytes(task, MB)
    say(server, disk_free=55 * MB)  # somebody else has written there
    panel.wait(task, "paused")
    assert (task.error or {})["code"] == "disk_filling"
    assert "55 MB are free" in str(panel.model("wanted").message)
    say(server)
    simulator.control.speed(1e9)
    lifecycle.resume_pull(actor=SYSTEM, model=panel.model("wanted"))
    panel.wait(task)


def test_what_is_to_be_kept_is_kept_there(server: OllamaServer, simulator: Simulator) -> None:
    say(server, disk_free=2 * GB)
    assert check(server, simulator).verdict == "ok"
    PanelSettings.objects.create(pk=1, keep_free_disk=3 * GB)
    assert check(server, simulator).verdict == "block"
