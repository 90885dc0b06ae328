"""The broker may lose everything: the rows are the truth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks_app.choices import State
from tasks_app.clock import from_now
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.reconcile import reconcile, send_again
from tests.components.waiting import wait_until
from tests.helpers.valkey import ValkeyProcess
from tests.tasks.conftest import Maker, NewWorker, wait_for_state

pytestmark = pytest.mark.alone


def grow_old(*tasks: Task) -> None:
    """As if they had been sent long ago."""
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(
        enqueued_at=from_now(timedelta(seconds=-20))
    )


def test_a_lost_wake_up_is_sent_again(
    make: Maker, valkey: ValkeyProcess, new_worker: NewWorker
) -> None:
    tasks = [make("toy.quick") for _ in range(5)]
    grow_old(*tasks)
    valkey.flush()
    new_worker()
    wait_for_state(tasks, State.SUCCEEDED, 10)
    assert all(len(make.effects_of(task, "begin")) == 1 for task in tasks)


def test_one_wake_up_for_each_queue_and_not_twice(make: Maker) -> None:
    grow_old(make("toy.quick"), make("toy.quick"), make("toy.stream"))
    make("toy.control")  # sent a moment ago
    assert send_again() == 2
    assert send_again() == 0


def test_a_retry_that_is_due_is_sent(make: Maker) -> None:
    task = make("toy.quick")
    Task.objects.filter(pk=task.pk).update(run_after=from_now(timedelta(hours=1)))
    assert send_again() == 0
    Task.objects.filter(pk=task.pk).update(
        run_after=from_now(timedelta(seconds=-1)), enqueued_at=from_now(timedelta(seconds=-2))
    )
    assert send_again() == 1
    assert send_again() == 0


def test_nothing_to_set_right(make: Maker) -> None:
    make("toy.quick")
    assert reconcile(hub().owner) == 0


def test_a_flush_and_a_killed_valkey_lose_no_task(
    make: Maker, valkey: ValkeyProcess, new_worker: NewWorker
) -> None:
    new_worker()
    under_way = [make("toy.stream", {"gate": str(make.gate)}) for _ in range(5)]
    wait_until(lambda: all(make.effects_of(task, "flow") for task in under_way), "all flow")
    valkey.stop()
    made_without = [make("toy.quick") for _ in range(5)]
    grow_old(*made_without)
    valkey.start()
    valkey.flush()
    make.open_gate()
    wait_for_state([*under_way, *made_without], State.SUCCEEDED, 45)
    assert all(len(make.effects_of(task, "begin")) == 1 for task in [*under_way, *made_without])
