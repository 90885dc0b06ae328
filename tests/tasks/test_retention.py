"""Ended tasks go after their time, with their log files, and nothing that somebody needs goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus
from models_app.invariants import broken_rules
from ollamactl.lib import retention
from ollamactl.lib.retention import Removable, remove_old
from ollamactl.settings.retention import Retention
from tasks_app import services, tidying
from tasks_app.choices import ENDED, LIVE, State
from tasks_app.execution import work_off
from tasks_app.log_files import remove_orphans
from tasks_app.logs import LogWriter, log_file_exist, relative_path
from tasks_app.models import Task
from tasks_app.retention import ended_tasks
from tests.factories import OllamaModelFactory, TaskFactory
from tests.helpers.killed import kill_in_the_middle
from tests.tasks.conftest import Maker

DAYS = timedelta(days=90)
ERROR = {"code": "broken", "detail": "It is broken.", "retryable": False}


@pytest.fixture(autouse=True)
def _settings(settings: Any, tmp_path: Path) -> None:
    settings.TASK_LOGS = tmp_path / "task-logs"
    settings.RETENTION = Retention(tasks=DAYS, audit=None, logins=None, tokens=None)


def ended(state: State = State.SUCCEEDED, days: float = 91, **fields: Any) -> Task:
    """A task that ended so many days ago, with a log."""
    finished = timezone.now() - timedelta(days=days)
    error = ERROR if state == State.FAILED else None
    task = TaskFactory(state=state, finished_at=finished, error=error, **fields)
    Task.objects.filter(pk=task.pk).update(log_path=relative_path(task.pk))
    task.refresh_from_db()
    assert LogWriter(task).write("hello")
    return task


def tidy() -> dict[str, int]:
    """One round, whatever else goes."""
    return tidying.tidy(lambda: False)


def exists(task: Task) -> bool:
    """Whether its row is there."""
    return Task.objects.filter(pk=task.pk).exists()


@pytest.mark.parametrize("state", ENDED)
def test_an_old_ended_task_goes_with_its_log(transactional_db: None, state: State) -> None:
    old, recent = ended(state), ended(state, days=89)
    assert tidy()["tasks"] == 1
    assert not exists(old)
    assert not log_file_exist(old)
    assert exists(recent)
    assert log_file_exist(recent)
    assert tidy() == {}


def test_each_file_of_a_long_log_goes(transactional_db: None, settings: Any) -> None:
    settings.TASK_LOG_BYTES = 100
    old, other = ended(), ended(days=1)
    LogWriter(old).write("a line that is longer than half of all that is kept")
    folder = (settings.TASK_LOGS / old.log_path).parent
    assert len(list(folder.glob(f"{old.pk}*"))) == 2
    tidy()
    assert {path.name.partition(".")[0] for path in folder.iterdir()} == {str(other.pk)}


@pytest.mark.parametrize("state", LIVE)
def test_a_live_task_stays_however_old(transactional_db: None, state: State) -> None:
    task = TaskFactory(state=state, started_at=timezone.now() - timedelta(days=400))
    Task.objects.update(created_at=timezone.now() - timedelta(days=500))
    tidy()
    assert exists(task)


def test_for_ever_is_for_ever(transactional_db: None, settings: Any) -> None:
    settings.RETENTION = Retention(tasks=None, audit=None, logins=None, tokens=None)
    task = ended(days=10_000)
    tidy()
    assert exists(task)


def test_a_model_keeps_its_last_task_and_its_status(transactional_db: None) -> None:
    shown = ended(State.FAILED, resource_type="model")
    before = ended(State.FAILED, resource_type="model")
    model = OllamaModelFactory(status=ModelStatus.ERROR, digest="", last_task=shown)
    assert tidy()["tasks"] == 1
    model.refresh_from_db()
    assert model.last_task == shown
    assert model.status == ModelStatus.ERROR
    assert log_file_exist(shown)
    assert not exists(before)
    assert broken_rules() == []


def test_a_family_goes_children_first_and_as_a_whole(make: Maker) -> None:
    broken = {"type": "toy.fail", "kind": "final"}
    families = [
        make("toy.family", {"children": [{"type": "toy.quick"}, broken]}) for _number in range(2)
    ]
    work_off("default")
    old, recent = families
    age(Task.objects.filter(parent__in=families), timedelta(days=91))
    age(Task.objects.filter(pk=old.pk), timedelta(days=91))
    # Killed after the children of the one had gone: everything still agrees.
    kind = ended_tasks(timezone.now() - DAYS)
    found = kind.find(100)
    assert set(found) == set(old.children.values_list("pk", flat=True))
    assert kind.remove(found[:1]) == 1
    assert broken_rules() == []
    assert tidy()["tasks"] == 2
    assert not exists(old)
    assert recent.children.count() == 2
    assert broken_rules() == []


def test_a_child_of_a_waiting_parent_stays(make: Maker) -> None:
    parent = make("toy.family", {"children": [{"type": "toy.quick"}, {"type": "toy.quick"}]})
    work_off("default")
    first, second = parent.children.order_by("pk")
    age(Task.objects.filter(pk=first.pk), timedelta(days=200))
    Task.objects.filter(pk=second.pk).update(state=State.QUEUED, finished_at=None)
    Task.objects.filter(pk=parent.pk).update(state=State.RUNNING, finished_at=None, done=1)
    tidy()
    assert exists(first)


def test_what_was_retried_meanwhile_stays(make: Maker) -> None:
    task = make("toy.fail", {"kind": "final"})
    work_off("default")
    age(Task.objects.filter(pk=task.pk), timedelta(days=100))
    kind = ended_tasks(timezone.now() - DAYS)
    found = kind.find(10)
    assert found == [task.pk]
    services.retry_task(actor=SYSTEM, task=Task.objects.get(pk=task.pk))
    assert kind.remove(found) == 0
    assert exists(task)


def age(tasks: Any, by: timedelta) -> None:
    """Let the tasks have ended so much earlier."""
    for task in tasks:
        finished: datetime = task.finished_at
        Task.objects.filter(pk=task.pk).update(finished_at=finished - by)


def test_files_whose_task_is_gone_go(transactional_db: None, settings: Any) -> None:
    task = ended(days=1)
    others = settings.TASK_LOGS / str((task.pk + 5) // 1000)
    others.mkdir(parents=True, exist_ok=True)
    for name in (f"{task.pk + 5}.log", f"{task.pk + 5}.500.log", "notes.txt"):
        (others / name).write_text("left behind")
    assert remove_orphans() == 1
    assert not list(others.glob(f"{task.pk + 5}*"))
    assert (others / "notes.txt").exists()
    assert log_file_exist(task)


def test_an_empty_folder_goes_once_no_file_can_come_into_it(
    transactional_db: None, settings: Any
) -> None:
    empty, present = settings.TASK_LOGS / "0", settings.TASK_LOGS / "5"
    for folder in (empty, present):
        folder.mkdir(parents=True)
    TaskFactory(pk=5200)
    remove_orphans()
    assert not empty.exists()
    assert present.exists()


def test_slices_are_short_and_leave_room_for_others(transactional_db: None) -> None:
    """3,000 tasks: each slice is a transaction of its own and far from the limit of rows."""
    finished = timezone.now() - timedelta(days=100)
    Task.objects.bulk_create(
        Task(type="toy.quick", state=State.SUCCEEDED, finished_at=finished)
        for _number in range(3000)
    )
    kind = ended_tasks(timezone.now() - DAYS)
    sizes = []

    def remove(keys: list[Any]) -> int:
        assert not connection.in_atomic_block
        sizes.append(len(keys))
        return kind.remove(keys)

    removed = remove_old(
        [Removable("tasks", kind.find, remove)], seconds=60, stopping=lambda: False
    )
    assert removed == {"tasks": 3000}
    assert max(sizes) <= retention.LARGEST
    assert len(sizes) >= 3000 / retention.LARGEST
    assert not Task.objects.exists()


def test_it_stops_when_the_worker_does(transactional_db: None) -> None:
    tasks = [ended() for _number in range(3)]
    assert tidying.tidy(lambda: True) == {}
    assert all(map(exists, tasks))


REMOVING = """
from django.conf import settings
from django.utils import timezone
from datetime import timedelta
from pathlib import Path
from tasks_app.retention import ended_tasks
settings.TASK_LOGS = Path(FOLDER)
kind = ended_tasks(timezone.now() - timedelta(days=90))
while found := kind.find(1):
    kind.remove(found)
    print("one", flush=True)
"""


def test_killed_in_the_middle_it_goes_on(transactional_db: None, settings: Any) -> None:
    for _number in range(100):
        ended()
    kill_in_the_middle(REMOVING.replace("FOLDER", repr(str(settings.TASK_LOGS))))
    left = Task.objects.count()
    assert left < 100
    assert broken_rules() == []
    assert tidy().get("tasks", 0) == left
    assert not Task.objects.exists()
    assert not list(settings.TASK_LOGS.glob("*/*.log"))
