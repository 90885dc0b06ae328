"""Parents and children."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit_app.actors import SYSTEM
from tasks_app import services
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.clock import LEASE, from_now
from tasks_app.execution import work_off
from tasks_app.hub import hub
from tasks_app.invariants import broken_rules
from tasks_app.models import Task
from tasks_app.presentation import task_as_json
from tasks_app.reconcile import finish_cancels, reconcile
from tasks_app.slots import CONTROL
from tasks_app.tasks import reconcile as look
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker, NewWorker, wait_for_state

OK = {"type": "toy.quick"}
BROKEN = {"type": "toy.fail", "kind": "final"}


def test_a_parent_succeeds_with_its_last_child(make: Maker) -> None:
    parent = make("toy.family", {"children": [OK, OK, OK]})
    assert work_off("default") == 4
    parent.refresh_from_db()
    shown = task_as_json(parent)
    assert shown["state"] == "succeeded"
    assert (shown["progress"]["done"], shown["progress"]["total"]) == (3, 3)
    assert shown["progress"]["unit"] == "items"
    assert parent.result == {
        "planned": 3,
        "total": 3,
        "succeeded": 3,
        "failed": 0,
        "cancelled": 0,
    }
    assert parent.finished_at is not None
    last = parent.children.order_by("-finished_at").first()
    assert last is not None
    assert last.finished_at is not None
    assert parent.finished_at >= last.finished_at


def test_a_parent_waits_without_a_lease_and_counts(make: Maker) -> None:
    blocked = {"type": "toy.stream", "gate": str(make.gate)}
    parent = make("toy.family", {"children": [OK, blocked]})
    work_off("default")
    parent.refresh_from_db()
    assert (parent.state, parent.owner, parent.lease_until) == (State.RUNNING, "", None)
    assert (parent.done, parent.total) == (1, 2)
    reconcile(hub().owner)
    parent.refresh_from_db()
    assert parent.state == State.RUNNING
    make.open_gate()
    work_off("pulls")
    parent.refresh_from_db()
    assert (parent.state, parent.done) == (State.SUCCEEDED, 2)


def test_a_failed_child_fails_its_parent_with_counts_and_a_retry_mends_both(make: Maker) -> None:
    parent = make("toy.family", {"children": [OK, {**BROKEN, "succeeds_at": 2}, OK]})
    work_off("default")
    parent.refresh_from_db()
    assert parent.state == State.FAILED
    assert parent.result is not None
    assert (parent.result["succeeded"], parent.result["failed"]) == (2, 1)
    error = task_as_json(parent)["error"]
    assert error["code"] == "children_failed"
    assert error["detail"].startswith("1 of 3 steps did not succeed")

    child = parent.children.get(type="toy.fail")
    child.payload["succeeds_at"] = 1
    child.save(update_fields=["payload"])
    services.retry_task(actor=SYSTEM, task=parent)
    work_off("default")

    parent.refresh_from_db()
    assert parent.state == State.SUCCEEDED
    assert parent.children.count() == 3
    assert parent.children.filter(attempt=1).count() == 3


def test_a_retried_child_reopens_its_parent(make: Maker) -> None:
    parent = make("toy.family", {"children": [BROKEN]})
    work_off("default")
    child = parent.children.get()
    child.payload["succeeds_at"] = 1
    child.save(update_fields=["payload"])

    services.retry_task(actor=SYSTEM, task=child)

    parent.refresh_from_db()
    assert (parent.state, parent.finished_at, parent.error) == (State.RUNNING, None, None)
    work_off("default")
    parent.refresh_from_db()
    assert parent.state == State.SUCCEEDED


def test_cancelling_a_parent_cancels_its_children(make: Maker, new_worker: NewWorker) -> None:
    new_worker()
    running = {"type": "toy.stream", "effects": str(make.effects)}
    parent = make("toy.family", {"children": [OK, running, running]})
    wait_until(
        lambda: (
            parent.children.filter(state=State.RUNNING).count() == 2
            and parent.children.filter(state=State.SUCCEEDED).exists()
        ),
        "the children are at work",
    )
    services.cancel_task(actor=SYSTEM, task=parent)
    wait_for_state(parent, State.CANCELLED, 5)
    parent.refresh_from_db()
    assert parent.result is not None
    assert (parent.result["cancelled"], parent.result["succeeded"]) == (2, 1)
    assert not parent.children.exclude(state__in=(State.SUCCEEDED, State.CANCELLED)).exists()


def test_cancelling_a_waiting_parent_of_queued_children_ends_it_at_once(make: Maker) -> None:
    child = {"type": "toy.stream"}  # in a queue that nobody works off
    parent = make("toy.family", {"children": [child, child]})
    work_off("default")
    told = services.cancel_task(actor=SYSTEM, task=parent)
    assert told.state == State.CANCELLED
    assert set(parent.children.values_list("state", flat=True)) == {State.CANCELLED}


@pytest.fixture
def looks() -> Iterator[list[str]]:
    """The queues of the looks of the reconciler that are asked for, beside its ticks."""
    sent: list[str] = []

    def hear(*, routing_key: str, **_message: Any) -> None:
        sent.append(routing_key)

    before_task_publish.connect(hear, sender=look.name)
    yield sent
    before_task_publish.disconnect(hear, sender=look.name)


def test_what_a_cancel_has_no_time_for_is_left_to_a_look_that_is_asked_for_at_once(
    make: Maker, monkeypatch: pytest.MonkeyPatch, looks: list[str]
) -> None:
    monkeypatch.setattr("tasks_app.words.FIRST_SLICE", 2)
    monkeypatch.setattr("tasks_app.words.CASCADE_SECONDS", -1.0)  # it is over with the first slice
    parent = make("toy.family", {"children": [{"type": "toy.stream"}] * 5})
    work_off("default")
    told = services.cancel_task(actor=SYSTEM, task=parent)
    assert (told.state, told.done) == (State.RUNNING, 2)
    assert looks == [CONTROL]
    look()  # what the message makes a worker do
    parent.refresh_from_db()
    assert (parent.state, parent.done) == (State.CANCELLED, 5)


def test_a_cancel_that_has_told_all_children_asks_for_no_look(
    make: Maker, looks: list[str]
) -> None:
    parent = make("toy.family", {"children": [{"type": "toy.stream"}] * 5})
    work_off("default")
    assert services.cancel_task(actor=SYSTEM, task=parent).state == State.CANCELLED
    assert looks == []


def test_an_end_is_counted_without_counting_the_others(make: Maker) -> None:
    child = {"type": "toy.stream"}
    parent = make("toy.family", {"children": [child, child, child]})
    work_off("default")
    first, second, third = parent.children.order_by("pk")
    for ended, asked_all in ((first, False), (second, False), (third, True)):
        with CaptureQueriesContext(connection) as seen:
            services.cancel_task(actor=SYSTEM, task=ended)
        assert any("GROUP BY" in query["sql"] for query in seen.captured_queries) is asked_all
        assert broken_rules() == []
    parent.refresh_from_db()
    assert (parent.state, parent.done) == (State.FAILED, 3)
    services.retry_task(actor=SYSTEM, task=second)
    parent.refresh_from_db()
    assert (parent.state, parent.done, parent.total) == (State.RUNNING, 2, 3)
    assert broken_rules() == []


def test_the_reconciler_ends_a_parent_that_nobody_told(make: Maker) -> None:
    parent = make("toy.family", {"children": [{"type": "toy.stream"}]})
    work_off("default")
    parent.children.update(state=State.SUCCEEDED)  # the child's process died between two writes
    reconcile(hub().owner)
    parent.refresh_from_db()
    assert parent.state == State.SUCCEEDED


@pytest.mark.parametrize("state", [State.CANCELLED, State.FAILED])
def test_the_reconciler_cancels_what_outlived_its_parent(make: Maker, state: State) -> None:
    parent = make("toy.family", {"children": [{"type": "toy.stream"}]})
    work_off("default")
    Task.objects.filter(pk=parent.pk).update(state=state)
    reconcile(hub().owner)
    assert parent.children.get().state == State.CANCELLED


def test_while_one_look_cancels_a_large_family_the_next_sees_to_all_else(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it takes, with rows that are read anew, and until its process ends."""
    monkeypatch.setattr("tasks_app.reconcile.MOST", 3)
    tasks = [make("toy.quick") for _ in range(8)]
    lost = make("toy.stream")
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(cancel_requested=True)
    owner = "another-host:1:abc"
    assert claim_next("pulls", owner=owner)[0] == lost
    Task.objects.filter(pk=lost.pk).update(lease_until=from_now(-LEASE))
    looks: list[int] = []

    def ends() -> bool:
        if not looks:
            looks.append(Task.objects.filter(state=State.CANCELLED).count())
            assert reconcile(hub().owner) >= 1  # as the next tick, which leaves this one its work
            assert Task.objects.filter(state=State.CANCELLED).count() == looks[0]
            lost.refresh_from_db()
            assert lost.state == State.QUEUED
        return False

    assert finish_cancels(ends) == len(tasks)
    assert looks == [3]
    assert Task.objects.filter(state=State.CANCELLED).count() == len(tasks)
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(state=State.QUEUED)
    assert finish_cancels(lambda: True) == 3
