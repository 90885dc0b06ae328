"""What is published while a task goes its way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from audit_app.actors import SYSTEM
from tasks_app import services
from tasks_app.choices import Unit
from tasks_app.execution import work_off
from tasks_app.live import parse_topic, publish
from tasks_app.publisher import BATCH
from tests.components.waiting import wait_until
from tests.helpers.valkey import ValkeyProcess
from tests.tasks.conftest import Maker
from tests.tasks.ear import Ear
from tests.tasks.toys import Quick

pytestmark = pytest.mark.alone


@pytest.fixture
def ear(valkey: ValkeyProcess) -> Iterator[Ear]:
    heard = Ear(valkey.url)
    yield heard
    heard.close()


def test_a_tasks_whole_way_is_told_in_order(make: Maker, ear: Ear) -> None:
    task = make("toy.quick", resource_type="toy", resource_id=7, resource_name="Bear")
    work_off("default")
    ear.wait_for("task.changed", state="succeeded")
    mine = [event for event in ear.events if event["subject"] == f"task:{task.pk}"]
    changes = [event for event in mine if event["type"] == "task.changed"]
    assert [event["data"]["state"] for event in changes] == ["queued", "running", "succeeded"]
    assert [event["seq"] for event in mine] == sorted({event["seq"] for event in mine})
    assert changes[0]["topics"] == ["tasks", f"task:{task.pk}", "toys"]
    assert changes[2]["data"] == {
        "id": task.pk,
        "state": "succeeded",
        "type": "toy.quick",
        "resource_type": "toy",
        "resource_id": 7,
        "resource_name": "Bear",
        "parent": None,
        "error": None,
        "progress": {
            "done": 3,
            "total": 3,
            "unit": "bytes",
            "rate": None,
            "eta_seconds": None,
            "phase": "counting",
        },
    }
    progress = [event for event in mine if event["type"] == "task.progress"]
    assert progress[-1]["data"] == {
        **changes[2]["data"]["progress"],
        "id": task.pk,
        "state": "running",
        "resource_type": "toy",
        "resource_id": 7,
    }
    log = "".join(event["data"]["text"] for event in mine if event["type"] == "task.log")
    assert "hello" in log
    assert all(
        event["topics"] == [f"task:{task.pk}"] for event in mine if event["type"] == "task.log"
    )
    task.refresh_from_db()
    assert task.seq == mine[-1]["seq"]


def test_progress_comes_first_at_once_and_then_four_times_a_second(
    make: Maker, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []

    def work(self: Quick) -> dict[str, Any]:
        begun.append(time.monotonic())
        done = 0
        while time.monotonic() < begun[0] + 1.6:
            done += 10
            self.run.progress(done=done, total=100_000, unit=Unit.BYTES, phase="pulling")
            ear.listen(0.001)
        return {}

    monkeypatch.setattr(Quick, "work", work)
    make("toy.quick")
    work_off("default")
    ear.wait_for("task.changed", state="succeeded")
    heard = [
        (at, event)
        for at, event in zip(ear.heard_at, ear.events, strict=True)
        if event["type"] == "task.progress"
    ]
    # The attempt's first log line has opened the first quarter of a second.
    assert heard[0][0] - begun[0] < 0.35
    assert 4 <= len(heard) <= 9
    assert heard[-1][1]["data"]["rate"] > 0
    assert heard[-1][1]["data"]["eta_seconds"] > 0
    done = [event["data"]["done"] for _, event in heard]
    assert done == sorted(done)


def test_many_events_share_messages(make: Maker, ear: Ear) -> None:
    for number in range(300):
        publish("toy.changed", subject=f"toy:{number}", seq=1, data={"n": number}, topics=["toys"])
    wait_until(lambda: ear.listen() == 300, "all are heard")
    assert [event["data"]["n"] for event in ear.events] == list(range(300))
    assert max(len(message) for message in ear.messages) <= BATCH
    assert len(ear.messages) < 100


def test_nothing_is_told_of_what_was_rolled_back(make: Maker, ear: Ear) -> None:
    with transaction.atomic():
        make("toy.quick")
        transaction.set_rollback(True)
    make("toy.stream")
    ear.wait_for("task.changed", type="toy.stream")
    assert {event["data"]["type"] for event in ear.events} == {"toy.stream"}


def test_an_event_that_cannot_be_encoded_is_left_out(
    make: Maker, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    publish("toy.changed", subject="toy:1", seq=1, data={"bad": object()}, topics=["toys"])
    publish("toy.changed", subject="toy:2", seq=1, data={"good": True}, topics=["toys"])
    ear.wait_for("toy.changed", good=True)
    assert len(ear.events) == 1
    assert "cannot be sent" in caplog.text


def test_without_valkey_nothing_waits_and_nothing_fails(make: Maker, valkey: ValkeyProcess) -> None:
    valkey.stop()
    begun = time.monotonic()
    task = make("toy.quick")
    services.cancel_task(actor=SYSTEM, task=task)
    assert time.monotonic() - begun < 2
    valkey.start()
    ear = Ear(valkey.url)
    wait_until(lambda: _again(ear), "events are heard again")
    ear.close()


def _again(ear: Ear) -> bool:
    publish("toy.changed", subject="toy:1", seq=1, data={}, topics=["toys"])
    return ear.listen() > 0


class TestSnapshots:
    def test_the_list_is_of_live_tasks(self, make: Maker) -> None:
        live, ended = make("toy.stream"), make("toy.quick")
        services.cancel_task(actor=SYSTEM, task=ended)
        kind, number = parse_topic("tasks")
        snapshot = kind.snapshot(number)
        assert snapshot is not None
        assert [task["id"] for task in snapshot["tasks"]] == [live.pk]
        assert snapshot["tasks"][0]["seq"] == live.seq

    def test_one_task_or_none(self, make: Maker) -> None:
        task = make("toy.stream")
        kind, number = parse_topic(f"task:{task.pk}")
        snapshot = kind.snapshot(number)
        assert snapshot is not None
        assert (snapshot["id"], snapshot["state"], snapshot["log_file_exist"]) == (
            *(task.pk, "queued", False),
        )
        assert kind.snapshot(10**9) is None
