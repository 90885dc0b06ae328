"""The worker on a server's host: what it sees there, and how it ends."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.models import F

from audit_app.actors import SYSTEM
from models_app import host_worker, probes
from models_app.host_models import FolderProblem, HostReport
from models_app.host_reports import forget_report, report_of, write_report
from models_app.host_worker import HostEyes, report_once, report_until, server_named
from models_app.models import OllamaServer
from models_app.resources.machine import Gpu
from models_app.services.panel_settings import update_settings
from ollamactl.lib.errors import NotFound
from ollamactl.simulator.running import RunningSimulator
from tests.components.waiting import wait_until
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.helpers.nvml import MISMATCH, NOT_SUPPORTED, Card, Nvml
from tests.models.conftest import MB, Panel

MANIFEST = b'{"schemaVersion": 2}'
DIGEST = hashlib.sha256(MANIFEST).hexdigest()


def fill(folder: Path) -> Path:
    """A folder as Ollama keeps it, with one model."""
    place = folder / "manifests" / "registry.ollama.ai" / "library" / "llama3.2"
    place.mkdir(parents=True)
    (place / "latest").write_bytes(MANIFEST)
    (folder / "blobs").mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """The folder of the models on this host, which is where the worker looks."""
    settings.OLLAMA_MODELS_FOLDERS = [str(tmp_path / "absent"), str(tmp_path / "models")]
    return fill(tmp_path / "models")


@pytest.fixture
def remote(db: None) -> OllamaServer:
    """A server on another host than the panel's, with one model."""
    server: OllamaServer = OllamaServerFactory(name="gpu one", base_url="http://192.168.7.7:1")
    OllamaModelFactory(server=server, name="llama3.2:latest", digest=DIGEST)
    return server


def test_it_sees_its_host(folder: Path, remote: OllamaServer) -> None:
    assert report_once(HostEyes(remote.pk), remote.pk)
    report = report_of(remote)
    assert report is not None
    assert (report.folder, report.problem, report.is_fresh) == (str(folder), "", True)
    disk = os.statvfs(folder)
    assert report.disk_total == disk.f_blocks * disk.f_frsize
    assert 0 < (report.disk_free or 0) <= report.disk_total
    assert report.memory is not None
    assert 0 < report.memory.free <= report.memory.total


def test_a_folder_of_another_server(folder: Path, remote: OllamaServer) -> None:
    remote.models.update(digest="f" * 64)
    seen = HostEyes(remote.pk).look()
    assert (seen.problem, seen.folder, seen.disk_free) == (FolderProblem.OTHER_MODELS, "", None)
    assert seen.memory is not None


def test_no_folder(remote: OllamaServer, settings: Any, tmp_path: Path) -> None:
    settings.OLLAMA_MODELS_FOLDERS = [str(tmp_path)]
    assert HostEyes(remote.pk).look().problem == FolderProblem.NO_FOLDER


def test_a_folder_that_may_not_be_read(
    folder: Path, remote: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, *_: object) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refused)
    assert HostEyes(remote.pk).look().problem == FolderProblem.UNREADABLE


def test_a_disk_that_hangs_is_looked_at_once(
    folder: Path, remote: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, looks = threading.Event(), []

    def hanging(*_: object) -> Any:
        looks.append(1)
        hangs.wait(30)
        return host_worker.Disk("/models", FolderProblem.NONE, 2, 1)

    monkeypatch.setattr(host_worker, "measure_disk", hanging)
    monkeypatch.setattr(host_worker, "SECONDS", 0.2)
    eyes = HostEyes(remote.pk)
    first, second = eyes.look(), eyes.look()
    assert (first.problem, second.problem) == (FolderProblem.SLOW, FolderProblem.SLOW)
    assert len(looks) == 1
    hangs.set()
    wait_until(lambda: eyes.look().disk_free == 1, "the disk is seen again", 5)


def test_gpus_by_nvml(folder: Path, remote: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Card("GB10", refuses={"MemoryInfo": NOT_SUPPORTED})
    monkeypatch.setitem(sys.modules, "pynvml", Nvml([Card(), shared]))
    assert report_once(HostEyes(remote.pk), remote.pk)
    report = report_of(remote)
    assert report is not None
    assert report.cards == [
        Gpu("Card", 24, 20, 35, 61, 120.4),
        Gpu("GB10", None, None, 35, 61, 120.4, "shared"),
    ]
    monkeypatch.setitem(sys.modules, "pynvml", Nvml([], broken=MISMATCH))
    assert report_once(HostEyes(remote.pk), remote.pk)
    report = report_of(remote)
    assert report is not None
    assert (report.cards, report.gpu_problem) == (None, "mismatch")


def test_gpus_that_hang(
    folder: Path, remote: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(host_worker, "gpus", lambda: never.wait(30))
    monkeypatch.setattr(host_worker, "SECONDS", 0.2)
    seen = HostEyes(remote.pk).look()
    never.set()
    assert (seen.gpus, seen.gpu_problem) == (None, "slow")


def test_two_workers_are_told_apart(
    folder: Path, remote: OllamaServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = HostEyes(remote.pk), HostEyes(remote.pk)

    def rival(eyes: HostEyes) -> str:
        report_once(eyes, remote.pk)
        report = report_of(remote)
        assert report is not None
        return report.rival if report.has_rival else ""

    assert rival(one) == rival(one) == ""
    assert rival(other) == ""  # it may have been started in the place of the one
    assert rival(one).endswith(f" ({other.worker})")
    assert rival(other).endswith(f" ({one.worker})")
    assert rival(other).endswith(f" ({one.worker})")
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2  # each of the two says it once
    assert said[0].startswith("Another worker reports for this server too: ")
    HostReport.objects.update(rival_seen_at=F("rival_seen_at") - timedelta(seconds=31))
    assert rival(other) == ""


@pytest.mark.parametrize("last", [0, 1])
def test_the_end_of_one_of_two_leaves_the_row_to_the_other(
    folder: Path, remote: OllamaServer, last: int
) -> None:
    """Whichever of them has reported last."""
    stays, other = HostEyes(remote.pk), HostEyes(remote.pk)
    for eyes in (stays, other, stays, other)[: 4 - last]:
        report_once(eyes, remote.pk)
    assert has_rival(remote)
    forget_report(remote.pk, other.worker)
    report = report_of(remote)
    assert report is not None
    assert report.is_fresh
    assert not has_rival(remote)
    report_once(stays, remote.pk)
    assert not has_rival(remote)  # it does not take what it overwrites for another's
    forget_report(remote.pk, stays.worker)
    assert report_of(remote) is None


def has_rival(server: OllamaServer) -> bool:
    report = report_of(server)
    assert report is not None
    return report.has_rival


def test_a_worker_that_comes_after_another_has_ended_is_alone(
    folder: Path, remote: OllamaServer
) -> None:
    one, other = HostEyes(remote.pk), HostEyes(remote.pk)
    report_once(one, remote.pk)
    forget_report(remote.pk, other.worker)  # it has never reported
    assert report_of(remote) is not None
    forget_report(remote.pk, one.worker)
    forget_report(remote.pk, one.worker)
    report_once(other, remote.pk)
    assert not has_rival(remote)


def test_the_server_is_given_by_name_or_id(remote: OllamaServer) -> None:
    other = OllamaServerFactory(name=str(remote.pk))
    assert server_named("gpu one") == remote.pk
    assert server_named(str(other.pk)) == other.pk
    assert server_named(str(remote.pk)) == other.pk  # a name counts before an id
    for wrong in ("no such", "", "9" * 30, "²"):
        with pytest.raises(NotFound, match="no server with the name or the id"):
            server_named(wrong)


def test_the_command_says_that_there_is_no_such_server(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("report_host", "no such")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == "ollamactl: The panel has no server with the name or the id “no such”.\n"


class Stop(threading.Event):
    """Ends the worker after so many reports; what happens between them is given."""

    def __init__(self, *between: Callable[[], object]) -> None:
        super().__init__()
        self._between = list(between)

    def wait(self, timeout: float | None = None) -> bool:
        if not self._between:
            self.set()
        else:
            self._between.pop(0)()
        return True


def test_an_end_in_order_leaves_nothing_to_believe(folder: Path, remote: OllamaServer) -> None:
    seen = []
    report_until(Stop(lambda: seen.append(report_of(remote))), remote.pk)
    assert seen[0] is not None
    assert seen[0].is_fresh
    assert not HostReport.objects.exists()


def test_it_ends_when_the_server_is_forgotten(folder: Path, remote: OllamaServer) -> None:
    with pytest.raises(NotFound, match="forgotten"):
        report_until(Stop(remote.delete), remote.pk)


def test_a_database_that_is_away_is_waited_for(
    folder: Path,
    remote: OllamaServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fails = [True, True, False]

    def failing(*given: Any) -> Any:
        if fails.pop(0):
            raise OperationalError("away")
        return write_report(*given)

    monkeypatch.setattr(host_worker, "write_report", failing)
    monkeypatch.setattr(host_worker, "forget_report", lambda *_: None)
    caplog.set_level("INFO", "models_app.host_worker")
    report_until(Stop(lambda: None, lambda: None), remote.pk)
    assert [record.getMessage() for record in caplog.records] == [
        "The database does not take the report: away",
        "The database answers again",
    ]
    assert report_of(remote) is not None


@pytest.fixture
def small_disk(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A disk of 64 MB of its own under the models; skips where none may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    try:
        subprocess.run(mounting, check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no disk may be mounted here: {error}")
    try:
        settings.OLLAMA_MODELS_FOLDERS = [str(place / "models")]
        yield fill(place / "models")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True, timeout=20)


@pytest.mark.usefixtures("engine")
def test_a_real_disk_that_fills_pauses_the_pull(
    panel: Panel, simulator: RunningSimulator, small_disk: Path, settings: Any
) -> None:
    settings.DISK_WATCH_SECONDS = settings.HOST_REPORT_SECONDS = 0.1
    update_settings(actor=SYSTEM, keep_free_disk=4 * MB)
    server = OllamaServer.objects.get()
    stop = threading.Event()

    def work() -> None:
        try:
            report_until(stop, server.pk)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        wait_until(lambda: report_of(server) is not None, "the worker has reported", 20)
        gauge = probes.disk_gauge(server)
        assert gauge is not None
        assert 60 * MB < (gauge() or 0) < 68 * MB
        simulator.control.publish("wanted", 20 * MB)
        simulator.control.speed(MB)
        task = panel.pull("wanted").task
        panel.wait_for_bytes(task, MB)
        (small_disk / "somebody-elses").write_bytes(b"\0" * 55 * MB)
        panel.wait(task, "paused")
        assert (task.error or {})["code"] == "disk_filling"
        (small_disk / "somebody-elses").unlink()
    finally:
        stop.set()
        worker.join(20)
    assert not HostReport.objects.exists()
