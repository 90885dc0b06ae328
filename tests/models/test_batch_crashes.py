"""Many models are started, stopped, deleted as batches while the worker is killed: each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.batches.selection import Selection
from models_app.models import OllamaModel
from models_app.services import batches, servers
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tasks_app.services import roll_back_task
from tests.components.loopback import PLAIN
from tests.components.waiting import wait_until
from tests.helpers.database import database_url
from tests.helpers.valkey import ValkeyProcess
from tests.models.conftest import MB, Panel
from tests.tasks.worker_process import WorkerProcess

# Each takes as much of a processor on PostgreSQL: there fewer, killed as often.
COUNT = 200 if connection.vendor == "sqlite" else 50
# When so many of a hundred children of a batch have ended the worker is killed; at 0 while they are
# being made.
KILLS = {"start": (0, 30, 60), "stop": (25, 50, 75), "delete": (0, 35, 70)}


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """One with room for all of them in memory."""
    with running_simulator(max_loaded=COUNT, vram=0) as running:
        yield running


@pytest.fixture
def worker(panel: Panel, valkey: ValkeyProcess, tmp_path: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(tmp_path / "one", database_url(), valkey.url, threads=40)
    yield process
    process.end()


@pytest.fixture
def models(panel: Panel, simulator: RunningSimulator) -> list[int]:
    """The ids of small models that are on the server."""
    names = [f"m{number:03}" for number in range(COUNT)]
    for name in names:
        simulator.control.publish(name, MB // 10)
    simulator.control.install(*names)
    servers.sync_server(actor=SYSTEM, server=panel.server)
    work_off("default")
    return list(OllamaModel.objects.order_by("name").values_list("pk", flat=True))


@pytest.mark.timeout(900)
def test_each_is_done_once_whatever_the_worker_suffers(
    panel: Panel, simulator: RunningSimulator, worker: WorkerProcess, models: list[int]
) -> None:
    assert len(models) == COUNT
    worker.start()
    for operation, kills in KILLS.items():
        task = _begin(operation, models)
        for least in kills:
            _wait_for(task, least * COUNT // 100)
            worker.kill()
            worker.start()
        panel.wait(task, timeout=120)
        assert task.result == {
            "skipped": 0,
            "total": COUNT,
            "succeeded": COUNT,
            "failed": 0,
            "cancelled": 0,
        }
        assert (task.done, task.total) == (COUNT, COUNT)
        children = Task.objects.filter(parent=task)
        about = Counter(children.values_list("resource_id", flat=True))
        assert about == Counter(models)  # each once, none twice
        records = AuditRecord.objects.filter(verb=f"model.{operation}")
        assert Counter(records.values_list("resource_id", flat=True)) == Counter(models)
        _look_at_the_server(simulator, operation)
    assert not OllamaModel.objects.exists()


def _begin(operation: str, models: list[int]) -> Task:
    """A batch of its own; what is started is stopped by rolling that back."""
    started = Task.objects.filter(type="model.batch", payload__operation="start").first()
    if operation == "stop" and started is not None:
        return roll_back_task(actor=SYSTEM, task=started)
    selection = Selection(ids=models)
    return batches.start_batch(actor=SYSTEM, operation=operation, selection=selection).task


def _wait_for(task: Task, least: int) -> None:
    """Until so many children have ended, or until the first is made."""

    def there() -> bool:
        children = Task.objects.filter(parent=task)
        if not least:
            return children.exists()
        return children.filter(finished_at__isnull=False).count() >= least

    wait_until(there, f"{least} have ended", 60)


def _look_at_the_server(simulator: RunningSimulator, operation: str) -> None:
    with httpx.Client(base_url=simulator.url, verify=PLAIN, trust_env=False) as client:
        there = client.get("/api/tags").json()["models"]
        loaded = client.get("/api/ps").json()["models"]
    expected = {"start": (COUNT, COUNT), "stop": (COUNT, 0), "delete": (0, 0)}
    assert (len(there), len(loaded)) == expected[operation]
