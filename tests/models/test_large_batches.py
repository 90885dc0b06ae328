"""Large batches: as many queries as small ones, and no transaction that others have to wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit_app.actors import SYSTEM
from models_app.batch_models import Batch
from models_app.batches import children
from models_app.batches.selection import Selection
from models_app.models import OllamaModel
from models_app.services import batches
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.execution import run_attempt
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.reconcile import finish_cancels
from tasks_app.services import cancel_task, retry_task
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.helpers.valkey import ValkeyProcess

SMALL, LARGE = 10, 60


def models(count: int) -> list[int]:
    server = OllamaServerFactory()
    rows = OllamaModelFactory.create_batch(count, server=server)
    return [row.pk for row in rows]


def queries(work: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        work()
    return [query["sql"] for query in seen.captured_queries]


@pytest.mark.django_db
@pytest.mark.parametrize("operation", ["start", "stop", "delete"])
def test_planning_and_beginning_cost_the_same_queries(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models_app.batches.asking.MOST_ASKED", 0)  # no registry
    counts = set()
    for count in (SMALL, LARGE):
        ids = models(count)
        OllamaModel.objects.filter(pk__in=ids).update(is_loaded=operation == "stop")
        for service in (batches.plan_batch, batches.start_batch):
            call: dict[str, Any] = {
                "actor": SYSTEM,
                "operation": operation,
                "selection": Selection(ids=ids),
            }
            counts.add((service.__name__, len(queries(lambda: service(**call)))))  # noqa: B023
    assert len(counts) == 2, counts


@pytest.fixture
def begun(transactional_db: None, valkey: ValkeyProcess) -> Task:
    """A batch in the hands of a worker that has made no part yet."""
    batches.start_batch(actor=SYSTEM, operation="start", selection=Selection(ids=models(LARGE)))
    task, _more = claim_next("default", owner=hub().owner.name)
    assert task is not None
    return task


def made(task: Task) -> int:
    return Task.objects.filter(parent=task).count()


@pytest.mark.parametrize(("most", "seconds"), [(7, 60.0), (LARGE, -1.0)])
def test_parts_are_made_in_slices(
    begun: Task, monkeypatch: pytest.MonkeyPatch, most: int, seconds: float
) -> None:
    """Of so many parts at most, and of one where the time of a slice is over at once."""
    monkeypatch.setattr(children, "SLICE", most)
    monkeypatch.setattr(children, "SLICE_SECONDS", seconds)
    monkeypatch.setattr("models_app.batches.children.time.sleep", lambda seconds: None)
    sizes, make = [], children._slice

    def watched(*args: Any, **options: Any) -> bool:
        before = made(begun)
        halted = make(*args, **options)
        assert not connection.in_atomic_block  # the slice is committed
        assert Batch.objects.get(task=begun).position == made(begun)
        sizes.append(made(begun) - before)
        return halted

    monkeypatch.setattr(children, "_slice", watched)
    run_attempt(hub(), begun)
    assert sum(sizes) == made(begun) == LARGE
    assert max(sizes) == (most if seconds > 0 else 1)


def test_one_wake_up_for_each_slice(begun: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    monkeypatch.setattr(children, "SLICE_SECONDS", 60.0)
    monkeypatch.setattr("models_app.batches.children.time.sleep", lambda seconds: None)
    monkeypatch.setattr("tasks_app.wakeups.send_wake", woken.append)
    run_attempt(hub(), begun)
    assert made(begun) == LARGE
    assert woken.count("default") == 1


def test_each_part_is_cancelled_in_a_transaction_of_its_own(
    begun: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_attempt(hub(), begun)
    monkeypatch.setattr("tasks_app.words.CASCADE_SECONDS", 60.0)
    done = queries(lambda: cancel_task(actor=SYSTEM, task=begun))
    assert done.count("COMMIT") >= LARGE
    begun.refresh_from_db()
    assert begun.state == State.CANCELLED
    assert (begun.result or {})["cancelled"] == LARGE


def test_who_cancels_waits_for_a_second_and_the_reconciler_does_the_rest(
    begun: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_attempt(hub(), begun)
    monkeypatch.setattr("tasks_app.words.CASCADE_SECONDS", -1.0)  # it is over at once
    told = cancel_task(actor=SYSTEM, task=begun)
    assert told.cancel_requested
    assert Task.objects.filter(parent=begun, state=State.CANCELLED).count() == 1
    # What waits does not begin: who claims a task looks at its parent.
    assert claim_next("default", owner=hub().owner.name) == (None, False)
    monkeypatch.setattr("tasks_app.reconcile.LONGEST", 60.0)
    finish_cancels()
    begun.refresh_from_db()
    assert begun.state == State.CANCELLED
    assert (begun.result or {})["cancelled"] == LARGE


def test_a_retry_queues_some_parts_and_the_worker_the_others(
    begun: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_attempt(hub(), begun)
    monkeypatch.setattr("tasks_app.words.CASCADE_SECONDS", 60.0)
    cancel_task(actor=SYSTEM, task=begun)
    monkeypatch.setattr("tasks_app.services.CASCADE_SECONDS", -1.0)
    begun.refresh_from_db()
    retry_task(actor=SYSTEM, task=begun)
    assert Task.objects.filter(parent=begun, state=State.QUEUED).count() == 1
    task, _more = claim_next("default", owner=hub().owner.name)
    while task is not None and task.pk != begun.pk:  # its parts have a lower priority
        task, _more = claim_next("default", owner=hub().owner.name)
    assert task is not None
    run_attempt(hub(), task)
    assert Task.objects.filter(parent=begun, state=State.QUEUED).count() == LARGE
