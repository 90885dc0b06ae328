"""One task from the click to its end, in this process."""

from __future__ import annotations

import pytest

from tasks_app.choices import State
from tasks_app.execution import work_off
from tasks_app.logs import read_log
from tests.helpers.valkey import ValkeyProcess
from tests.tasks.conftest import Maker
from tests.tasks.toys import settled


@pytest.fixture(autouse=True)
def with_valkey(valkey: ValkeyProcess) -> None:
    pass


def test_a_task_is_claimed_done_and_ended(make: Maker) -> None:
    task = make("toy.quick")
    assert task.state == State.QUEUED

    assert work_off("default") == 1

    task.refresh_from_db()
    assert task.state == State.SUCCEEDED
    assert task.result == {"answer": 42}
    assert (task.done, task.total, task.unit, task.phase) == (3, 3, "bytes", "counting")
    assert (task.attempt, task.epoch, task.owner, task.lease_until) == (1, 1, "", None)
    assert task.started_at is not None
    assert task.finished_at is not None
    assert task.started_at <= task.finished_at
    assert settled(task.pk) == ["queued", "running", "succeeded"]
    log = read_log(task)
    assert log is not None
    assert "hello" in log.text


def test_numbers_beyond_any_column_do_not_keep_a_task_from_ending(make: Maker) -> None:
    task = make("toy.stream", {"total": 2**70, "steps": 1})

    assert work_off("pulls") == 1

    task.refresh_from_db()
    assert (task.state, task.done, task.total) == (State.SUCCEEDED, 1, 2**63 - 1)
