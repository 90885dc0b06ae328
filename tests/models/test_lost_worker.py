"""`kill -9` of the worker in the middle of ten pulls: each ends succeeded, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_app.actors import SYSTEM
from models_app.models import OllamaModel
from models_app.services import servers
from ollamactl.simulator.running import RunningSimulator
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.helpers.database import database_url
from tests.helpers.valkey import ValkeyProcess
from tests.models.conftest import MB, Panel
from tests.tasks.worker_process import WorkerProcess

pytestmark = pytest.mark.alone


@pytest.fixture
def worker(panel: Panel, valkey: ValkeyProcess, tmp_path: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(tmp_path / "one", database_url(), valkey.url, threads=40)
    yield process
    process.end()


def test_ten_pulls_outlive_their_worker(
    panel: Panel, simulator: RunningSimulator, worker: WorkerProcess
) -> None:
    servers.update_server(actor=SYSTEM, server=panel.server, max_downloads=10)
    simulator.control.speed(4 * MB)
    names = [f"model{number}" for number in range(10)]
    for name in names:
        simulator.control.publish(name, 60 * MB)  # none is whole before the last has begun
    worker.start()
    tasks = [panel.pull(name).task for name in names]

    def all_have(least: int) -> bool:
        return Task.objects.filter(pk__in=[t.pk for t in tasks], done__gte=least).count() == 10

    wait_until(lambda: all_have(2 * MB), "all ten download", 30)
    worker.kill()
    worker.start()
    simulator.control.speed(1e9)
    for task in tasks:
        panel.wait(task, timeout=60)
    for name in names:
        counts = simulator.control.pulls(f"{name}:latest")
        assert counts["succeeded"] == 1, counts
        assert counts["active"] == 0
    assert set(Task.objects.filter(type="model.pull").values_list("lost_count", flat=True)) == {1}
    moved = sum(simulator.control.counters()["bytes_moved"].values())
    assert moved < 10 * 61 * MB  # nothing was fetched twice
    assert OllamaModel.objects.filter(status="stopped").count() == 10

    def no_task_is_live() -> bool:
        return not Task.objects.live().exists()

    wait_until(no_task_is_live, "the syncs that follow have ended", 30)
