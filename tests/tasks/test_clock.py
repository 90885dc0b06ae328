"""A clock that is set, and a machine that slept: no living worker loses a task, none waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from tasks_app import clock as clocks
from tasks_app import reconcile as reconciling
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.clock import JUMP, LEASE, SETTLING, ClockWatch, database_now, from_now
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.reconcile import reconcile
from tasks_app.runners import longest_backoff
from tests.tasks.conftest import Maker

ELSEWHERE = "another-host:1:abc"
HOUR = timedelta(hours=1)


class Clocks:
    """The time that passes, and the database's clock, which can be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = 1000.0
        self.set_by = timedelta()
        real = database_now()
        monkeypatch.setattr("tasks_app.clock.time.monotonic", lambda: self.moment)
        monkeypatch.setattr(
            clocks,
            "database_now",
            lambda: real + timedelta(seconds=self.moment - 1000) + self.set_by,
        )

    def wait(self, seconds: float) -> None:
        self.moment += seconds


@pytest.mark.django_db
@pytest.mark.parametrize("jump", [HOUR, -HOUR, 2 * JUMP, -2 * JUMP])
def test_a_jump_is_noticed_until_the_living_have_renewed(
    monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    now, watch = Clocks(monkeypatch), ClockWatch()
    assert watch.is_steady()
    now.wait(4)
    assert watch.is_steady()
    now.set_by = jump
    assert not watch.is_steady()
    now.wait(SETTLING.total_seconds() - 1)
    assert not watch.is_steady()
    now.wait(1)
    assert watch.is_steady()


@pytest.mark.django_db
def test_a_clock_that_drifts_is_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    now, watch = Clocks(monkeypatch), ClockWatch()
    for _ in range(50):
        now.wait(4)
        now.set_by += timedelta(seconds=1)
        assert watch.is_steady()


def held_elsewhere(make: Maker) -> Task:
    make("toy.quick")
    task, _ = claim_next("default", owner=ELSEWHERE)
    assert task is not None
    return task


def test_a_lease_that_a_jump_has_ended_is_left_for_its_owner_to_renew(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = held_elsewhere(make)
    watch = ClockWatch()
    monkeypatch.setattr(reconciling, "clock", watch)
    real_now = clocks.database_now
    monkeypatch.setattr(clocks, "database_now", lambda: real_now() - HOUR)
    reconcile(hub().owner)
    monkeypatch.undo()
    monkeypatch.setattr(reconciling, "clock", watch)
    Task.objects.filter(pk=task.pk).update(lease_until=from_now(LEASE - HOUR))

    reconcile(hub().owner)

    task.refresh_from_db()
    assert (task.state, task.lost_count) == (State.RUNNING, 0)


def test_a_lease_in_the_far_future_is_one_of_before_the_jump(make: Maker) -> None:
    task = held_elsewhere(make)
    Task.objects.filter(pk=task.pk).update(lease_until=from_now(LEASE + HOUR))
    reconcile(hub().owner)
    task.refresh_from_db()
    assert (task.state, task.lost_count) == (State.QUEUED, 1)


def test_what_waits_for_a_moment_before_the_jump_goes_on(make: Maker) -> None:
    task = make("toy.quick")
    Task.objects.filter(pk=task.pk).update(run_after=from_now(HOUR), enqueued_at=Now())
    reconcile(hub().owner)
    claimed, _ = claim_next("default", owner=ELSEWHERE)
    assert claimed is not None
    assert claimed.pk == task.pk


def test_an_ordinary_backoff_is_waited_for(make: Maker) -> None:
    task = make("toy.quick")
    Task.objects.filter(pk=task.pk).update(run_after=from_now(longest_backoff()))
    reconcile(hub().owner)
    assert claim_next("default", owner=ELSEWHERE)[0] is None


def test_a_wake_up_of_before_the_jump_is_sent_again(make: Maker) -> None:
    task = make("toy.quick")
    Task.objects.filter(pk=task.pk).update(enqueued_at=from_now(HOUR))
    before = database_now()
    assert reconcile(hub().owner) >= 1
    task.refresh_from_db()
    assert task.enqueued_at is not None
    assert task.enqueued_at < before + timedelta(minutes=1)


def test_the_row_of_a_lost_worker_goes_on_above_what_it_has_sent(make: Maker) -> None:
    """The clock gives no higher number, as after it was put back: the row itself has to."""
    task = held_elsewhere(make)
    ahead = task.seq + int(HOUR.total_seconds() * 1000)
    Task.objects.filter(pk=task.pk).update(seq=ahead, lease_until=from_now(-LEASE))
    reconcile(hub().owner)
    task.refresh_from_db()
    assert task.seq > ahead + 100  # a second's progress that was sent and not saved
