"""A worker that dies loses no task and does none twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from django.db import connection

from tasks_app.attempt import Attempt
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.clock import LEASE, from_now
from tasks_app.hub import hub
from tasks_app.lease_keeper import LeaseKeeper
from tasks_app.models import Task
from tasks_app.reconcile import WELL, reconcile
from tasks_app.transitions import succeed
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker, NewWorker, wait_for_state
from tests.tasks.toys import settled
from tests.tasks.worker_process import WorkerProcess

pytestmark = pytest.mark.alone

ELSEWHERE = "another-host:1:abc"


def expire(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(lease_until=from_now(-LEASE))


def test_ten_tasks_survive_a_killed_worker_and_end_once(make: Maker, new_worker: NewWorker) -> None:
    tasks = [make("toy.stream", {"gate": str(make.gate)}) for _ in range(10)]
    worker = new_worker()
    wait_for_state(tasks, State.RUNNING)
    wait_until(lambda: all(make.effects_of(task, "begin") for task in tasks), "all have begun")

    worker.kill()
    assert Task.objects.filter(state=State.RUNNING).count() == 10
    new_worker("two")
    wait_until(
        lambda: all(len(make.effects_of(task, "begin")) == 2 for task in tasks),
        "all have begun again, long before their leases expire",
        10,
    )
    make.open_gate()

    wait_for_state(tasks, State.SUCCEEDED)
    for task in tasks:
        task.refresh_from_db()
        assert (task.lost_count, task.attempt, task.epoch) == (1, 1, 3)
        assert len(make.effects_of(task, "end")) == 1
        assert settled(task.pk).count("succeeded") == 1


def test_the_third_loss_ends_a_task(make: Maker) -> None:
    task = make("toy.quick")
    for loss in (1, 2, 3):
        claimed, _ = claim_next("default", owner=ELSEWHERE)
        assert claimed is not None
        assert claimed.pk == task.pk
        expire(task)
        assert reconcile(hub().owner) >= 1
        task.refresh_from_db()
        assert task.lost_count == loss
        assert (task.owner, task.lease_until) == ("", None)
        assert task.state == (State.FAILED if loss == 3 else State.QUEUED)
    assert task.error is not None
    assert task.error["code"] == "worker_lost"
    assert task.error["retryable"]
    assert task.finished_at is not None
    assert settled(task.pk)[-1] == "failed"


def test_a_loss_after_long_work_is_the_first_of_a_new_row(make: Maker) -> None:
    """A download of a day is not given up because its machine was restarted three times."""
    task = make("toy.quick")
    for _ in range(4):
        claimed, _ = claim_next("default", owner=ELSEWHERE)
        assert claimed is not None
        expire(task)
        Task.objects.filter(pk=task.pk).update(started_at=from_now(-WELL - LEASE))
        reconcile(hub().owner)
        task.refresh_from_db()
        assert (task.state, task.lost_count) == (State.QUEUED, 1)


def test_a_lease_that_lasts_is_nobody_elses(make: Maker) -> None:
    make("toy.quick")
    claimed, _ = claim_next("default", owner=ELSEWHERE)
    assert claimed is not None
    reconcile(hub().owner)
    claimed.refresh_from_db()
    assert (claimed.state, claimed.owner, claimed.lost_count) == (State.RUNNING, ELSEWHERE, 0)


def test_a_lease_is_renewed_only_by_who_is_at_work(make: Maker) -> None:
    for _ in range(2):
        make("toy.quick")
    worked_on, _ = claim_next("default", owner=hub().owner.name)
    dropped, _ = claim_next("default", owner=hub().owner.name)  # its end could not be written
    assert worked_on is not None
    assert dropped is not None
    attempts = [Attempt(worked_on, lambda attempt: None)]
    expire(worked_on)
    expire(dropped)

    LeaseKeeper(hub().owner, lambda: attempts).look()
    reconcile(hub().owner)

    worked_on.refresh_from_db()
    dropped.refresh_from_db()
    assert (worked_on.state, worked_on.lost_count) == (State.RUNNING, 0)
    assert (dropped.state, dropped.lost_count) == (State.QUEUED, 1)


def test_a_worker_that_comes_back_late_writes_nothing(make: Maker) -> None:
    make("toy.quick")
    late, _ = claim_next("default", owner=ELSEWHERE)
    assert late is not None
    expire(late)
    reconcile(hub().owner)
    current, _ = claim_next("default", owner="third-host:1:def")
    assert current is not None

    assert succeed(late, {"answer": "late"}) is None

    current.refresh_from_db()
    assert (current.state, current.result) == (State.RUNNING, None)


def suspend_between_writes(worker: WorkerProcess) -> None:
    """Stop it while it does not hold the one lock that SQLite has for all."""

    def is_between() -> bool:
        worker.suspend()
        if connection.vendor != "sqlite":
            return True
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                worker.resume()
                return False
        return True

    wait_until(is_between, "the worker sleeps and holds no lock")


def test_a_worker_that_slept_past_its_lease_stops(make: Maker, new_worker: NewWorker) -> None:
    task = make("toy.stream", {"gate": str(make.gate)})
    sleeper = new_worker("sleeper")
    wait_until(lambda: make.effects_of(task, "flow"), "it flows")
    suspend_between_writes(sleeper)
    expire(task)
    reconcile(hub().owner)
    taken, _ = claim_next("pulls", owner=ELSEWHERE)
    assert taken is not None
    Task.objects.filter(pk=task.pk).update(lease_until=from_now(LEASE))

    sleeper.resume()

    wait_until(lambda: make.effects_of(task, "stopped"), "the sleeper's stream is closed")
    task.refresh_from_db()
    assert (task.state, task.owner, task.epoch) == (State.RUNNING, ELSEWHERE, taken.epoch)


@pytest.mark.parametrize(
    ("flag", "state"),
    [("cancel_requested", State.CANCELLED), ("pause_requested", State.PAUSED)],
)
def test_what_was_asked_of_a_dead_worker_is_done(make: Maker, flag: str, state: State) -> None:
    task = make("toy.stream")
    claim_next("pulls", owner=ELSEWHERE)
    Task.objects.filter(pk=task.pk).update(**{flag: True})
    expire(task)
    reconcile(hub().owner)
    task.refresh_from_db()
    assert task.state == state
    assert settled(task.pk)[-1] == state
