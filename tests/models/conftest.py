"""Servers, models, a simulated Ollama, and the engine in this process, for `models_app`'s tests."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.db import close_old_connections, connections
from django.db.models.signals import post_save

from audit_app.actors import SYSTEM, Actor
from models_app import probes
from models_app.choices import ServerStatus
from models_app.host_reports import Seen, write_report
from models_app.invariants import broken_rules
from models_app.models import HostReport, OllamaModel, OllamaServer, PanelSettings
from models_app.services import lifecycle
from models_app.services.lifecycle import Pull
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.attempt import Stop
from tasks_app.execution import work_off
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.tasks import wake
from tests.components.waiting import wait_until
from tests.helpers.valkey import ValkeyProcess
from tests.models.backends import backend  # noqa: F401 - a fixture of all tests here
from tests.models.plans import published, silent_registries  # noqa: F401 - fixtures, too

MB = 1_000_000
QUEUES = ("pulls", "default")
LOOKS_SECONDS = 0.5
"""How long one of the engine's threads waits for a wake-up before it looks by itself."""


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """A simulated Ollama with its registry."""
    with running_simulator() as running:
        yield running


def row_of(simulator: RunningSimulator, name: str = "sim", **fields: Any) -> OllamaServer:
    """The row of a simulator, as after a good check."""
    values = {"status": ServerStatus.ONLINE, "version": "0.24.0-simulated"}
    return OllamaServer.objects.create(
        **{"name": name, "base_url": simulator.url, **values, **fields}
    )


class ReportedDisk(dict[str, int]):
    """The bytes that are `free` on every server's disk by the worker on its host."""

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        HostReport.objects.update(disk_free=value)

    def report(self, server: OllamaServer) -> None:
        """The worker on its host sees only that."""
        write_report(server.pk, Seen(host="host", disk_free=self["free"]))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[ReportedDisk]:
    """So many bytes are `free` on every server, of which none have to be kept."""
    seen = ReportedDisk(free=100 * MB)
    settings.HOST_REPORT_BELIEVED_SECONDS = 3600
    monkeypatch.setattr(PanelSettings, "disk_kept", lambda panel, server: 0)

    def appeared(instance: OllamaServer, *, created: bool, **_signal: Any) -> None:
        if created:
            seen.report(instance)

    for server in OllamaServer.objects.all():
        seen.report(server)
    post_save.connect(appeared, sender=OllamaServer)
    yield seen
    post_save.disconnect(appeared, sender=OllamaServer)


@pytest.fixture
def own_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> dict[str, int]:
    """Every server keeps its models in a folder of this machine, whose disk has so much `free`."""
    seen = {"free": 10_000 * MB}
    (tmp_path / "blobs").mkdir()
    settings.OLLAMA_MODELS_FOLDERS = [str(tmp_path)]

    def usage(folder: Path) -> SimpleNamespace:
        assert folder == tmp_path
        return SimpleNamespace(total=20_000 * MB, free=seen["free"])

    monkeypatch.setattr(probes, "is_local", lambda server: True)
    monkeypatch.setattr(probes, "shutil", SimpleNamespace(disk_usage=usage))
    return seen


@pytest.fixture
def server(db: None, simulator: RunningSimulator) -> OllamaServer:
    """The row of that simulator, as after a good check."""
    return row_of(simulator)


class Engine:
    """Workers of this process: threads that do what the queues hold, until the test ends.

    They hear of each wake-up that is published. Now and then they look by themselves, for what a
    test has put into a row past the services.
    """

    def __init__(self, threads: int = 5) -> None:
        self._end = threading.Event()
        self._wakes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"engine-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> Engine:
        for name in QUEUES:
            self._wakes.put(name)
        before_task_publish.connect(self._hear, sender=wake.name)
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Give everything back to the queue, as a worker does that is told to end."""
        before_task_publish.disconnect(self._hear, sender=wake.name)
        self._end.set()
        for _thread in self._threads:
            self._wakes.put("")
        hub().closing = True
        for attempt in hub().attempts():
            attempt.stop(Stop.RELEASE)
        for thread in self._threads:
            thread.join(10)
        hub().closing = False
        assert not any(thread.is_alive() for thread in self._threads)

    def _hear(self, *, body: Any, **_message: Any) -> None:
        (name,) = body[0]
        self._wakes.put(name)

    def _work(self) -> None:
        while not self._end.is_set():
            try:
                woken: tuple[str, ...] = (self._wakes.get(timeout=LOOKS_SECONDS),)
            except queue.Empty:
                woken = QUEUES
            for name in woken:
                if not self._end.is_set():
                    work_off(name)
            close_old_connections()
        connections.close_all()


class Panel:
    """The services as people use them, and what they see afterwards."""

    def __init__(self, server: OllamaServer) -> None:
        self.server = server

    def pull(self, name: str, *, actor: Actor = SYSTEM, **options: Any) -> Pull:
        return lifecycle.pull_model(
            actor=actor, server=options.pop("server", self.server), name=name, **options
        )

    def pulled(self, name: str) -> OllamaModel:
        """A model that was pulled through the panel, to its end."""
        pull = self.pull(name)
        self.wait(pull.task)
        return self.model(name)

    def model(self, name: str) -> OllamaModel:
        key = lifecycle.parse_name(name).key
        row: OllamaModel = OllamaModel.objects.for_display().get(server=self.server, key=key)
        return row

    def wait(self, task: Task, state: str = "succeeded", timeout: float = 20) -> Task:
        """Until the task is in this state; what it ended with, if it ended otherwise."""

        def there() -> bool:
            task.refresh_from_db()
            return task.state == state or (task.is_ended and task.state != state)

        wait_until(there, f"the task is {state}", timeout)
        assert task.state == state, (task.state, task.error)
        return task

    def wait_for_bytes(self, task: Task, least: int) -> None:
        """Until so much of a pull has arrived by its row."""

        def there() -> bool:
            task.refresh_from_db()
            assert task.is_live, (task.state, task.error)
            return (task.done or 0) >= least

        wait_until(there, f"{least} bytes are there")


@pytest.fixture
def settled_rows() -> Callable[[], None]:
    """Asserts that all rows agree with each other now."""

    def check() -> None:
        assert broken_rules() == []

    return check


@pytest.fixture
def panel(
    transactional_db: None,
    valkey: ValkeyProcess,
    simulator: RunningSimulator,
    settled_rows: Callable[[], None],
) -> Iterator[Panel]:
    """The services over the simulator; nobody works yet. At the end all rows agree."""
    yield Panel(row_of(simulator))
    settled_rows()


@pytest.fixture
def engine(panel: Panel) -> Iterator[Engine]:
    """Workers that are there from the start; at their end all rows agree."""
    running = Engine().start()
    yield running
    with contextlib.suppress(RuntimeError):
        running.stop()
