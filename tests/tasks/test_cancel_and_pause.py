"""What people tell a task: cancel, pause, resume, retry."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth.models import User

from audit_app.actors import SYSTEM, Actor
from audit_app.choices import Origin
from audit_app.models import AuditRecord
from ollamactl.lib.errors import Conflict, NotPermitted
from tasks_app import services
from tasks_app.choices import State
from tasks_app.execution import work_off
from tasks_app.logs import read_log
from tasks_app.models import Task
from tasks_app.runners import TaskFailed
from tests.components.waiting import wait_until
from tests.tasks.conftest import Maker, NewWorker, wait_for_state
from tests.tasks.toys import Quick, settled


def test_a_queued_task_is_cancelled_at_once(make: Maker) -> None:
    task = make("toy.quick")
    told = services.cancel_task(actor=SYSTEM, task=task)
    assert told.state == State.CANCELLED
    assert told.finished_at is not None
    assert settled(task.pk) == ["queued", "cancelled"]
    assert AuditRecord.objects.get(verb="task.cancel").resource_id == task.pk
    assert work_off("default") == 0


def test_what_waits_for_another_attempt_is_cancelled_without_the_error_of_the_last(
    make: Maker,
) -> None:
    task = make("toy.quick")
    error = {"code": "busy", "detail": "Busy.", "retryable": True}
    Task.objects.filter(pk=task.pk).update(error=error)
    told = services.cancel_task(actor=SYSTEM, task=task)
    assert (told.state, told.error) == (State.CANCELLED, None)


def test_a_running_stream_is_closed_within_a_blink(make: Maker, new_worker: NewWorker) -> None:
    new_worker()
    latencies = sorted(seconds_to_close(make) for _ in range(5))
    # Well under the second after which the flag in the row would be read.
    assert latencies[2] < 0.3


def seconds_to_close(make: Maker) -> float:
    task = make("toy.stream")
    wait_until(lambda: make.effects_of(task, "flow"), "it flows")
    told_at = time.time()
    told = services.cancel_task(actor=SYSTEM, task=task)
    assert told.state == State.RUNNING
    wait_until(lambda: make.effects_of(task, "stopped"), "it is closed")
    wait_for_state(task, State.CANCELLED)
    assert not make.effects_of(task, "end")
    task.refresh_from_db()
    log = read_log(task)
    assert log is not None
    assert "Cancelled." in log.text
    return float(make.effects_of(task, "stopped")[0].split()[3]) - told_at


def test_a_cancel_that_nobody_pushed_is_seen_in_the_row(make: Maker, new_worker: NewWorker) -> None:
    new_worker()
    task = make("toy.block", {"gate": str(make.gate)})
    wait_until(lambda: make.effects_of(task, "begin"), "it has begun")
    Task.objects.filter(pk=task.pk).update(cancel_requested=True)
    wait_for_state(task, State.CANCELLED, 5)


def test_a_paused_task_gives_its_worker_back_and_goes_on(
    make: Maker, new_worker: NewWorker
) -> None:
    new_worker()
    task = make("toy.stream", {"gate": str(make.gate)})
    wait_until(lambda: make.effects_of(task, "begin"), "it has begun")
    services.pause_task(actor=SYSTEM, task=task)
    wait_for_state(task, State.PAUSED)
    task.refresh_from_db()
    assert (task.owner, task.lease_until, task.pause_requested) == ("", None, False)
    with pytest.raises(Conflict):
        services.pause_task(actor=SYSTEM, task=task)

    make.open_gate()
    services.resume_task(actor=SYSTEM, task=task)

    wait_for_state(task, State.SUCCEEDED)
    task.refresh_from_db()
    assert task.attempt == 1
    assert settled(task.pk) == [*("queued", "running", "paused", "queued", "running", "succeeded")]


def test_a_paused_task_can_be_cancelled(make: Maker) -> None:
    task = make("toy.stream")
    assert services.pause_task(actor=SYSTEM, task=task).state == State.PAUSED
    assert work_off("pulls") == 0
    assert services.cancel_task(actor=SYSTEM, task=task).state == State.CANCELLED


def test_only_some_kinds_of_task_pause(make: Maker) -> None:
    task = make("toy.quick")
    with pytest.raises(Conflict, match="cannot be paused"):
        services.pause_task(actor=SYSTEM, task=task)


def test_a_task_that_has_ended_stays_so_until_it_is_retried(make: Maker) -> None:
    task = make("toy.fail", {"kind": "final"})
    work_off("default")
    with pytest.raises(Conflict, match="ended already: it is failed"):
        services.cancel_task(actor=SYSTEM, task=task)
    with pytest.raises(Conflict):
        services.resume_task(actor=SYSTEM, task=task)

    told = services.retry_task(actor=SYSTEM, task=task)

    assert (told.state, told.attempt, told.error, told.finished_at) == (State.QUEUED, 0, None, None)
    with pytest.raises(Conflict):
        services.retry_task(actor=SYSTEM, task=task)
    assert work_off("default") == 1


@pytest.mark.parametrize("verb", ["cancel_task", "pause_task", "resume_task", "retry_task"])
def test_a_viewer_may_tell_nothing(make: Maker, verb: str) -> None:
    task = make("toy.stream")
    viewer = Actor(user=User.objects.create_user("viewer"), origin=Origin.PAGE)
    with pytest.raises(NotPermitted):
        getattr(services, verb)(actor=viewer, task=task)
    task.refresh_from_db()
    assert task.state == State.QUEUED
    assert not AuditRecord.objects.filter(verb__startswith="task.").exists()


def test_who_fails_for_being_cancelled_is_cancelled(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make("toy.quick")

    def work(runner: Quick) -> None:
        Task.objects.filter(pk=task.pk).update(cancel_requested=True)  # and what it needs is gone
        raise TaskFailed("The toy is gone.", code="gone")

    monkeypatch.setattr(Quick, "work", work)
    assert work_off("default") == 1
    task.refresh_from_db()
    assert (task.state, task.error) == (State.CANCELLED, None)
