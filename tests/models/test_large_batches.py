"""Large batches: as many queries as small ones, and no transaction that others have to wait for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit_app.actors import SYSTEM
from models_app.batch_models import Batch
from models_app.batches import children
from models_app.batches.asking import Heard
from models_app.batches.reserving import Reservations
from models_app.batches.selection import Selection
from models_app.models import OllamaModel
from models_app.pulls import pulls_key
from models_app.services import batches
from tasks_app import words
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.execution import run_attempt
from tasks_app.families import wait_or_succeed
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.reconcile import finish_cancels
from tasks_app.runners import Runner, registered_types, runner_of
from tasks_app.services import cancel_task, retry_task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
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


@pytest.mark.parametrize(("most", "least", "seconds"), [(7, 1, 60.0), (LARGE, 3, -1.0)])
def test_parts_are_made_in_slices(
    begun: Task, monkeypatch: pytest.MonkeyPatch, most: int, least: int, seconds: float
) -> None:
    """Of so many parts at most, and of the least where the time of a slice is over at once."""
    monkeypatch.setattr(children, "SLICE", most)
    monkeypatch.setattr(children, "FIRST_SLICE", 3)
    monkeypatch.setattr(children, "LEAST", least)
    monkeypatch.setattr(children, "SLICE_SECONDS", seconds)
    monkeypatch.setattr("ollamactl.lib.pace.time.sleep", lambda seconds: None)
    sizes, make = [], children.begin_slice

    def watched(*args: Any, **options: Any) -> tuple[bool, int]:
        before = made(begun)
        told = make(*args, **options)
        assert not connection.in_atomic_block  # the slice is committed
        assert Batch.objects.get(task=begun).position == made(begun)
        sizes.append(made(begun) - before)
        return told

    said: list[tuple[int | None, int | None]] = []
    monkeypatch.setattr(children, "begin_slice", watched)
    monkeypatch.setattr(
        "tasks_app.attempt.Attempt.progress",
        lambda attempt, **news: said.append((news["done"], news["total"])),
    )
    run_attempt(hub(), begun)
    assert set(said) == {(0, LARGE)}  # what has ended, not what has begun
    assert sum(sizes) == made(begun) == LARGE
    assert max(sizes) == (most if seconds > 0 else 3)
    ranks = Task.objects.filter(parent=begun).order_by("pk").values_list("rank", flat=True)
    assert list(ranks) == sorted(set(ranks))  # they wait in the order of the plan


@pytest.fixture
def in_slices_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes slices have so many rows, whatever the time."""

    def set_size(size: int) -> None:
        for place in (children, words):
            for name in ("SLICE", "FIRST_SLICE", "LEAST"):
                monkeypatch.setattr(place, name, size)
        monkeypatch.setattr("ollamactl.lib.pace.time.sleep", lambda seconds: None)

    return set_size


@pytest.mark.parametrize("operation", ["start", "stop", "delete", "pull", "recreate"])
def test_a_slice_costs_the_same_statements_however_many_it_has(
    valkey: ValkeyProcess,
    transactional_db: None,
    operation: str,
    in_slices_of: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models_app.batches.asking.MOST_ASKED", 0)  # no registry
    monkeypatch.setattr("models_app.batches.reserving.ask_around", lambda *args, **options: Heard())
    monkeypatch.setattr("models_app.batches.reserving.MOST_ASKED", LARGE)
    beginning, cancelling = set(), set()
    for count in (SMALL, LARGE):
        in_slices_of(count)
        task = in_hand(operation, count)
        batch = Batch.objects.get(task=task)
        reservations = Reservations(batch)
        reservations.look_ahead(0)
        done = queries(
            lambda: children.begin_slice(task, batch, reservations, size=count)  # noqa: B023
        )
        assert made(task) == count
        beginning.add(shape(done))
        wait_or_succeed(task, None, floor=0)
        done = queries(lambda: cancel_task(actor=SYSTEM, task=task))  # noqa: B023
        assert Task.objects.get(pk=task.pk).state == State.CANCELLED
        cancelling.add(shape(done))
    assert len(beginning) == 1, beginning
    assert len(cancelling) == 1, cancelling


def in_hand(operation: str, count: int) -> Task:
    """A batch of so many, in the hands of a worker; half of what is to be pulled is new."""
    ids = models(count)
    OllamaModel.objects.filter(pk__in=ids).update(is_loaded=operation == "stop")
    selection = Selection(ids=ids)
    if operation == "pull":
        there = OllamaModel.objects.filter(pk__in=ids)
        names = list(there.values_list("name", flat=True)[: count // 2])
        new = [f"new{number}:{count}" for number in range(count - len(names))]
        server = there.values_list("server_id", flat=True)[0]
        selection = Selection(names=[*names, *new], servers=[server])
    batches.start_batch(actor=SYSTEM, operation=operation, selection=selection)
    task, _more = claim_next("default", owner=hub().owner.name)
    assert task is not None
    return task


def shape(statements: list[str]) -> tuple[str, ...]:
    """What the statements are, without their values."""
    return tuple(re.sub(r"[^A-Z_ a-z].*", "", sql[:60]) for sql in statements)


def test_one_wake_up_for_each_slice(
    begun: Task, in_slices_of: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    in_slices_of(LARGE)
    monkeypatch.setattr("tasks_app.wakeups.send_wake", woken.append)
    run_attempt(hub(), begun)
    assert made(begun) == LARGE
    assert woken.count("default") == 1


def test_parts_are_cancelled_in_slices(
    begun: Task, in_slices_of: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_attempt(hub(), begun)
    monkeypatch.setattr("tasks_app.words.CASCADE_SECONDS", 60.0)
    in_slices_of(20)
    done = queries(lambda: cancel_task(actor=SYSTEM, task=begun))
    assert done.count("COMMIT") == 1 + LARGE // 20
    begun.refresh_from_db()
    assert begun.state == State.CANCELLED
    assert (begun.result or {})["cancelled"] == LARGE
    models = OllamaModel.objects.filter(last_task__parent=begun)
    assert {(row.status, str(row.message)) for row in models} == {("stopped", "Cancelled.")}


def test_those_at_work_are_told_with_the_others(
    begun: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_attempt(hub(), begun)
    at_work, _more = claim_next("default", owner="another-host:1:abc")
    assert at_work is not None
    cancel_task(actor=SYSTEM, task=begun)
    monkeypatch.setattr("tasks_app.reconcile.LONGEST", 60.0)
    finish_cancels()
    at_work.refresh_from_db()
    assert (at_work.state, at_work.cancel_requested) == (State.RUNNING, True)
    begun.refresh_from_db()
    assert (begun.state, begun.done, begun.total) == (State.RUNNING, LARGE - 1, LARGE)


def test_who_cancels_waits_for_a_second_and_the_reconciler_does_the_rest(
    begun: Task, in_slices_of: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_attempt(hub(), begun)
    in_slices_of(20)
    monkeypatch.setattr("tasks_app.words.CASCADE_SECONDS", -1.0)  # it is over at once
    told = cancel_task(actor=SYSTEM, task=begun)
    assert told.cancel_requested
    assert Task.objects.filter(parent=begun, state=State.CANCELLED).count() == 20
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
    monkeypatch.setattr("tasks_app.services.CASCADE", 7)
    begun.refresh_from_db()
    retry_task(actor=SYSTEM, task=begun)
    assert Task.objects.filter(parent=begun, state=State.QUEUED).count() == 7
    gone = Task.objects.filter(parent=begun, state=State.CANCELLED).latest("pk")
    OllamaModel.objects.filter(pk=gone.resource_id or 0).delete()
    task, _more = claim_next("default", owner=hub().owner.name)
    while task is not None and task.pk != begun.pk:  # its parts have a lower priority
        task, _more = claim_next("default", owner=hub().owner.name)
    assert task is not None
    run_attempt(hub(), task)
    assert Task.objects.filter(parent=begun, state=State.QUEUED).count() == LARGE - 1
    gone.refresh_from_db()
    assert gone.state == State.CANCELLED  # its model is gone: it stays as it ended


def test_after_a_refusal_that_halts_nothing_of_its_slice_is_made(
    valkey: ValkeyProcess, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models_app.batches.reserving.ask_around", lambda *args, **options: Heard())
    server = OllamaServerFactory()
    names = ["a", "b", "c"]
    task = batches.start_batch(
        actor=SYSTEM,
        operation="pull",
        selection=Selection(names=names, servers=[server.pk]),
        on_error="stop",
    ).task
    pull = {"type": "model.pull", "resource_type": "model", "limit_key": pulls_key(server.pk)}
    row = OllamaModelFactory(server=server, name="b:latest")
    busy = TaskFactory(**pull, queue="pulls", resource_id=row.pk, state=State.QUEUED)
    OllamaModel.objects.filter(pk=row.pk).update(last_task=busy)
    claimed, _more = claim_next("default", owner=hub().owner.name)
    assert claimed is not None
    run_attempt(hub(), claimed)
    children = Task.objects.filter(parent=task).order_by("pk")
    assert [(child.resource_name, child.state) for child in children] == [
        ("a:latest", State.QUEUED),
        ("b:latest", State.FAILED),
    ]
    assert (children[1].error or {})["code"] == "conflict"
    assert not OllamaModel.objects.filter(name__startswith="c").exists()
    task.refresh_from_db()
    assert (task.halted, task.done, task.total) == (True, 1, 2)
    assert (task.result or {})["not_begun"] == 1


def test_a_model_that_is_named_twice_is_begun_once(begun: Task) -> None:
    batch = Batch.objects.get(task=begun)
    batch.items = [*batch.items[:2], batch.items[0], *batch.items[2:5]]
    batch.save(update_fields=["items"])
    run_attempt(hub(), begun)
    children = Task.objects.filter(parent=begun).order_by("pk")
    assert [child.state for child in children] == ["queued", "queued", "failed", *["queued"] * 3]


def test_each_type_of_work_settles_many_as_it_settles_one() -> None:
    """None says only of one what becomes of it, below a class that says it of many."""
    for name in registered_types():
        line = (runner_of(name) or Runner).__mro__
        one = next(each for each in line if "settle" in vars(each))
        many = next(each for each in line if "settle_all" in vars(each))
        assert many is Runner or issubclass(many, one), name
