"""A batch whose worker is lost three times in a row: what it says, and how it goes on."""

from __future__ import annotations

import pytest

from audit_app.actors import SYSTEM
from models_app.batch_models import Batch
from models_app.batches.children import begin_slice
from models_app.batches.reserving import Reservations
from models_app.batches.selection import Selection
from models_app.invariants import broken_rules
from models_app.models import OllamaModel
from models_app.services import batches, servers
from ollamactl.simulator.running import RunningSimulator
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.clock import LEASE, from_now
from tasks_app.execution import run_attempt, work_off
from tasks_app.families import wait_cut_short
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.reconcile import LOSSES, reconcile
from tasks_app.results import outcome_of
from tasks_app.services import cancel_task, retry_task
from tasks_app.transitions import succeed
from tests.models.conftest import MB, Panel

ELSEWHERE = "another-host:1:abc"
NAMES = ["a", "b", "c", "d", "e"]


def claim(owner: str = ELSEWHERE) -> Task:
    task, _more = claim_next("default", owner=owner)
    assert task is not None
    return task


def lose(task: Task) -> None:
    """The process that has it is seen no more."""
    Task.objects.filter(pk=task.pk).update(lease_until=from_now(-LEASE))
    reconcile(hub().owner)
    assert broken_rules() == []


@pytest.fixture
def batch(panel: Panel, simulator: RunningSimulator) -> Task:
    """One of five models to start, in the hands of a worker that has made three of its parts."""
    for name in NAMES:
        simulator.control.publish(name, MB)
    simulator.control.install(*NAMES)
    servers.sync_server(actor=SYSTEM, server=panel.server)
    work_off("default")
    ids = list(OllamaModel.objects.order_by("name").values_list("pk", flat=True))
    batches.start_batch(actor=SYSTEM, operation="start", selection=Selection(ids=ids))
    task = claim()
    rows = Batch.objects.get(task=task)
    for _ in range(3):  # one part at a time
        begin_slice(task, rows, Reservations(rows), size=1)
    return task


@pytest.fixture
def at_work(batch: Task) -> Task:
    """One part is done, a second is at work and a third waits; the batch is given up."""
    run_attempt(hub(), claim(hub().owner.name))
    child = claim("a-third-host:1:def")
    lose(batch)
    for _ in range(LOSSES - 1):
        lose(claim())
    batch.refresh_from_db()
    assert batch.state == State.FAILED
    assert batch.error is not None
    assert batch.error["code"] == "worker_lost"
    return child


def test_the_parts_that_have_ended_are_counted_at_once(batch: Task, at_work: Task) -> None:
    assert batch.result == {
        "skipped": 0,
        "cut_short": True,
        "total": 3,
        "succeeded": 1,
        "failed": 0,
        "cancelled": 1,
    }
    told = outcome_of(batch.type, batch.result)
    assert told is not None
    assert "ended before all had begun" in told.sentences


def test_one_that_is_cancelled_says_what_it_had_left_out(batch: Task) -> None:
    gone = {"model": None, "server": None, "name": "x:1b", "code": "gone", "detail": "Gone."}
    Batch.objects.filter(task=batch).update(skipped=[gone, gone])
    Task.objects.filter(pk=batch.pk).update(cancel_requested=True)
    batch.refresh_from_db()
    assert wait_cut_short(batch, floor=batch.seq) is not None
    for child in Task.objects.filter(parent=batch):
        cancel_task(actor=SYSTEM, task=child)
    batch.refresh_from_db()
    assert batch.state == State.CANCELLED
    told = outcome_of(batch.type, batch.result)
    assert told is not None
    assert told.sentences[:2] == ["2 left out", "ended before all had begun"]
    assert broken_rules() == []


@pytest.mark.parametrize("end", [State.SUCCEEDED, State.CANCELLED])
def test_a_part_that_ends_later_is_counted_then(batch: Task, at_work: Task, end: State) -> None:
    seq = Task.objects.get(pk=batch.pk).seq
    if end == State.SUCCEEDED:
        assert succeed(at_work, {}) is not None
    else:
        lose(at_work)
    batch.refresh_from_db()
    counts = {"succeeded": 1, "failed": 0, "cancelled": 1}
    counts[end] += 1
    assert batch.result == {"skipped": 0, "cut_short": True, "total": 3, **counts}
    assert (batch.state, (batch.error or {})["code"]) == (State.FAILED, "worker_lost")
    assert batch.seq > seq  # pages see the newer count
    assert broken_rules() == []


def test_its_retry_begins_what_had_not_begun(batch: Task, at_work: Task) -> None:
    lose(at_work)
    batch.refresh_from_db()
    retry_task(actor=SYSTEM, task=batch)
    assert broken_rules() == []
    work_off("default")
    batch.refresh_from_db()
    assert batch.state == State.SUCCEEDED
    assert batch.result == {
        "skipped": 0,
        "total": 5,
        "succeeded": 5,
        "failed": 0,
        "cancelled": 0,
    }


def test_a_retry_of_its_parts_alone_does_not_make_it_whole(batch: Task, at_work: Task) -> None:
    lose(at_work)
    for child in Task.objects.filter(parent=batch, state=State.CANCELLED):
        retry_task(actor=SYSTEM, task=child)
    batch.refresh_from_db()
    assert batch.state == State.RUNNING
    assert broken_rules() == []
    work_off("default")
    batch.refresh_from_db()
    assert batch.state == State.FAILED
    assert (batch.error or {})["code"] == "children_failed"
    assert batch.result == {
        "skipped": 0,
        "cut_short": True,
        "total": 3,
        "succeeded": 3,
        "failed": 0,
        "cancelled": 0,
    }
    retry_task(actor=SYSTEM, task=batch)
    work_off("default")
    batch.refresh_from_db()
    assert batch.state == State.SUCCEEDED
    assert (batch.result or {})["total"] == 5
