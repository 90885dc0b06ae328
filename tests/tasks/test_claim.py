"""Which task is next: priority, age, and room under its key."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit_app.actors import SYSTEM
from tasks_app import services
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.clock import from_now
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.factories import TaskFactory
from tests.tasks.conftest import Maker, NewWorker, wait_for_state


def claimed_ids(queue: str = "default") -> list[int]:
    ids = []
    while (task := claim_next(queue, owner="host:1:me")[0]) is not None:
        ids.append(task.pk)
    return ids


def test_priority_then_age(make: Maker) -> None:
    low, first, second, high = (make("toy.quick", priority=priority) for priority in (-1, 0, 0, 5))
    assert claimed_ids() == [high.pk, first.pk, second.pk, low.pk]


def test_not_before_its_time_nor_from_another_queue(make: Maker) -> None:
    later, elsewhere, stopped = (
        make("toy.quick"),
        make("toy.stream"),
        make("toy.stream"),
    )
    Task.objects.filter(pk=later.pk).update(run_after=from_now(timedelta(hours=1)))
    services.pause_task(actor=SYSTEM, task=stopped)
    assert claimed_ids() == []
    assert claimed_ids("pulls") == [elsewhere.pk]
    Task.objects.filter(pk=later.pk).update(run_after=from_now(timedelta(seconds=-1)))
    assert claimed_ids() == [later.pk]


def test_a_full_key_lets_others_pass(make: Maker) -> None:
    full = [make("toy.quick", limit_key="a:2") for _ in range(4)]
    other = make("toy.quick", limit_key="b:1")
    free = make("toy.quick")
    assert claimed_ids() == [full[0].pk, full[1].pk, other.pk, free.pk]


@pytest.mark.django_db
@pytest.mark.parametrize("type", ["server.sync", "model.pull", "model.start"])
def test_many_full_servers_cost_one_look(type: str) -> None:
    counts = set()
    for number in (2, 20):
        Task.objects.all().delete()
        keys = [f"{type}:{server}" for server in range(1, number + 1)]
        for key in keys:
            for _ in range(4):  # more than any limit
                TaskFactory(type=type, limit_key=key, state=State.RUNNING)
            TaskFactory(type=type, limit_key=key, priority=1)
        free = TaskFactory(type=type, limit_key=f"{type}:99", queue="default", resource_id=None)
        Task.objects.filter(state=State.QUEUED).update(queue="default")
        with CaptureQueriesContext(connection) as seen:
            candidate, _more = claim_next("default", owner="host:1:me")
        free.refresh_from_db()
        assert free.attempt + free.epoch > 0, candidate
        counts.add(len(seen))
    assert len(counts) == 1


def test_many_claimers_never_share_a_task_nor_overfill_a_key(make: Maker) -> None:
    tasks = [make("toy.quick", limit_key="k:5") for _ in range(12)]
    got: list[int] = []

    def claim() -> None:
        task, _ = claim_next("default", owner="host:1:me")
        if task is not None:
            got.append(task.pk)
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got) == [task.pk for task in tasks[:5]]
    assert Task.objects.filter(state=State.RUNNING, epoch=1, attempt=1).count() == 5


def test_twenty_tasks_run_three_at_a_time(make: Maker, new_worker: NewWorker) -> None:
    new_worker()
    tasks = [
        make("toy.stream", {"steps": 10, "pause": 0.1}, limit_key="server:3") for _ in range(20)
    ]
    seen: set[int] = set()

    def all_done() -> bool:
        seen.add(Task.objects.filter(state=State.RUNNING).count())
        return Task.objects.filter(state=State.SUCCEEDED).count() == 20

    wait_until(all_done, "all are done", 60)
    assert max(seen) <= 3
    edges = sorted(
        (float(line.split()[3]), 1 if name == "begin" else -1)
        for task in tasks
        for name in ("begin", "end")
        for line in make.effects_of(task, name)
    )
    running, most = 0, 0
    for _, step in edges:
        running += step
        most = max(most, running)
    assert most == 3


def test_room_is_used_by_another_queue_at_once(make: Maker, new_worker: NewWorker) -> None:
    new_worker()
    first = make("toy.stream", {"gate": str(make.gate)}, limit_key="server:1")
    wait_until(lambda: make.effects_of(first, "begin"), "it has begun")
    second = make("toy.quick", limit_key="server:1")
    third = make("toy.quick")
    wait_for_state(third, State.SUCCEEDED)
    second.refresh_from_db()
    assert second.state == State.QUEUED
    make.open_gate()
    wait_for_state(second, State.SUCCEEDED, 3)
