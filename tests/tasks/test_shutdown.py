"""SIGTERM: every task goes back to the queue as if this attempt had not begun."""

from __future__ import annotations

import subprocess

import pytest
from django.db.models import F

from tasks_app.choices import State
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker, NewWorker, wait_for_state


@pytest.mark.alone
def test_sixty_streams_are_released_within_seconds(make: Maker, new_worker: NewWorker) -> None:
    tasks = [make("toy.stream", {"pause": 1.0}) for _ in range(60)]
    worker = new_worker()
    wait_for_state(tasks, State.RUNNING, 60)
    wait_until(lambda: all(make.effects_of(task, "flow") for task in tasks), "all flow")

    seconds = worker.terminate()

    assert seconds < 5
    released = Task.objects.filter(
        state=State.QUEUED, attempt=0, lost_count=0, owner="", lease_until=None
    )
    assert released.count() == 60
    assert all(make.effects_of(task, "stopped") for task in tasks)


@pytest.mark.alone
def test_a_runner_that_does_not_listen_holds_no_task(make: Maker, new_worker: NewWorker) -> None:
    task = make("toy.deaf", {"gate": str(make.gate)})
    worker = new_worker()
    wait_until(lambda: make.effects_of(task, "begin"), "it has begun")
    with pytest.raises(subprocess.TimeoutExpired):
        worker.terminate(timeout=4.5)
    task.refresh_from_db()
    assert (task.state, task.attempt, task.lost_count) == (State.QUEUED, 0, 0)
    make.open_gate()


def test_the_next_worker_goes_on_at_once(make: Maker, new_worker: NewWorker) -> None:
    task = make("toy.block", {"gate": str(make.gate)})
    worker = new_worker()
    wait_until(lambda: make.effects_of(task, "begin"), "it has begun")
    worker.terminate()
    make.open_gate()
    new_worker("two")
    wait_for_state(task, State.SUCCEEDED)
    task.refresh_from_db()
    assert (task.attempt, task.lost_count) == (1, 0)
    assert Task.objects.filter(pk=task.pk, finished_at__gt=F("created_at")).exists()
