"""Tasks made of toys, done in this process or by real workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from audit_app.actors import SYSTEM
from tasks_app.models import Task
from tasks_app.services import create_task
from tests.components.waiting import wait_until
from tests.helpers.database import database_url
from tests.helpers.valkey import ValkeyProcess
from tests.tasks import toys  # noqa: F401 - registers the types
from tests.tasks.worker_process import WorkerProcess

NewWorker = Callable[..., WorkerProcess]


class Maker:
    """Creates tasks of the panel's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.effects = folder / "effects"
        self.gate = folder / "gate"

    def __call__(self, type: str, payload: dict[str, Any] | None = None, **options: Any) -> Task:
        """One task of a toy type, as `create_task` takes it; its effects go to `effects`."""
        payload = {"effects": str(self.effects), **(payload or {})}
        return create_task(type=type, actor=SYSTEM, payload=payload, **options)

    def effects_of(self, task: Task, name: str = "") -> list[str]:
        """The lines that a task has left: `name task epoch time`."""
        lines = self.effects.read_text().splitlines() if self.effects.exists() else []
        return [
            line
            for line in lines
            if line.split()[1] == str(task.pk) and line.split()[0].startswith(name)
        ]

    def open_gate(self) -> None:
        """Let the toys go on that wait for the file `gate`."""
        self.gate.touch()


@pytest.fixture
def make(transactional_db: None, valkey: ValkeyProcess, tmp_path: Path) -> Maker:
    """Creates tasks: `make("toy.quick", payload={...})`."""
    return Maker(tmp_path)


@pytest.fixture
def new_worker(make: Maker, valkey: ValkeyProcess, tmp_path: Path) -> Iterator[NewWorker]:
    """``new_worker(name="one", threads=80)`` starts a real worker, which ends with the test."""
    workers: list[WorkerProcess] = []

    def start(name: str = "one", threads: int = 80) -> WorkerProcess:
        workers.append(WorkerProcess(tmp_path / name, database_url(), valkey.url, threads))
        return workers[-1].start()

    yield start
    for worker in workers:
        worker.end()


def wait_for_state(tasks: Task | Sequence[Task], state: str, timeout: float = 20) -> None:
    """Until each of the tasks is in the state."""
    ids = [task.pk for task in ([tasks] if isinstance(tasks, Task) else tasks)]

    def all_there() -> bool:
        return Task.objects.filter(pk__in=ids, state=state).count() == len(ids)

    try:
        wait_until(all_there, f"the tasks are {state}", timeout)
    except AssertionError as error:
        rows = Task.objects.filter(pk__in=ids).values_list("pk", "state", "error", "lost_count")
        raise AssertionError(f"{error}: {list(rows)}") from error
