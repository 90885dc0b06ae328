"""What a roll-back works on: counted where it is queued, gathered by its worker, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.batches import undoing
from models_app.models import Batch
from ollamactl.lib.errors import Conflict
from tasks_app.choices import State
from tasks_app.claim import claim_next
from tasks_app.execution import run_attempt
from tasks_app.hub import hub
from tasks_app.models import Task
from tasks_app.runners import Stopped
from tasks_app.services import roll_back_task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.helpers.valkey import ValkeyProcess

OPERATIONS = {"start": "model.start", "delete": "model.delete", "pull": "model.pull"}


def ended(operation: str, befores: list[dict[str, Any]]) -> Task:
    """A batch whose parts have succeeded, each with what its model was before."""
    server = OllamaServerFactory()
    parent: Task = TaskFactory(
        type="model.batch",
        state=State.SUCCEEDED,
        resource_type="",
        resource_id=None,
        resource_name="",
        payload={"operation": operation, "count": len(befores), "on_error": "continue"},
        result={"succeeded": len(befores)},
    )
    Batch.objects.create(task=parent, operation=operation, position=len(befores))
    for number, before in enumerate(befores):
        name = f"m{number}:7b"
        is_there = operation != "delete"
        row = OllamaModelFactory(server=server, name=name, is_loaded=True) if is_there else None
        TaskFactory(
            parent=parent,
            type=OPERATIONS[operation],
            state=State.SUCCEEDED,
            resource_id=row.pk if row is not None else None,
            resource_name=name,
            payload={"before": {"server": server.pk, "source": "library", "digest": "", **before}},
        )
    return parent


@pytest.fixture
def in_hand(transactional_db: None, valkey: ValkeyProcess) -> Callable[[], Task]:
    """Takes a roll-back of five starts, which a worker has and has not begun with."""

    def take() -> Task:
        roll_back_task(actor=SYSTEM, task=ended("start", [{}] * 5))
        task, _more = claim_next("default", owner=hub().owner.name)
        assert task is not None
        return task

    return take


def batch_of(task: Task) -> Batch:
    return Batch.objects.select_related("undoes").get(task=task)


@pytest.mark.django_db
def test_to_queue_it_costs_the_same_however_many_parts_there_are() -> None:
    costs = set()
    for count in (5, 50):
        task = ended("start", [{}] * count)
        with CaptureQueriesContext(connection) as seen:
            begun = roll_back_task(actor=SYSTEM, task=task)
        costs.add(len(seen))
        assert begun.payload["count"] == count
        assert batch_of(begun).items == []
        task.refresh_from_db()
        assert (task.result or {})["rolled_back_by"] == begun.pk
        record = AuditRecord.objects.get(verb="model.rollback", resource_id=begun.pk)
        assert record.data["names"][:2] == ["m0:7b", "m1:7b"]
    assert len(costs) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operation", "befores", "count"),
    [
        ("delete", [{}, {"source": "local"}, {"source": "huggingface"}], 2),
        ("pull", [{}, {"digest": "ab"}], 1),
        ("start", [{"source": "local"}, {"digest": "ab"}], 2),
    ],
)
def test_it_counts_what_it_gathers_later(
    operation: str, befores: list[dict[str, Any]], count: int
) -> None:
    begun = roll_back_task(actor=SYSTEM, task=ended(operation, befores))
    assert begun.payload["count"] == count
    undone = batch_of(begun).undoes
    assert undone is not None
    items, skipped = undoing.undo_items(undone, lambda: None)
    assert (len(items), len(skipped)) == (count, len(befores) - count)


@pytest.mark.django_db
@pytest.mark.parametrize(("operation", "word"), [("delete", "source"), ("pull", "digest")])
def test_what_nothing_brings_back_is_not_rolled_back(operation: str, word: str) -> None:
    before = {"source": "local", "digest": "ab"}
    with pytest.raises(Conflict) as refused:
        roll_back_task(actor=SYSTEM, task=ended(operation, [{word: before[word]}]))
    assert refused.value.code == "no_rollback"
    assert not Task.objects.filter(type="model.rollback").exists()


def test_its_parts_are_made_from_what_its_worker_gathers(in_hand: Callable[[], Task]) -> None:
    task = in_hand()
    run_attempt(hub(), task)
    batch = batch_of(task)
    assert [item["name"] for item in batch.items] == [f"m{number}:7b" for number in range(5)]
    assert Task.objects.filter(parent=task).count() == batch.position == 5


def test_after_an_end_in_the_middle_all_of_it_is_gathered_once(
    in_hand: Callable[[], Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the parts are read, while the plan is written, and after that."""
    task = in_hand()
    seen: list[int] = []

    def end_at_the_third() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        undoing.gather(task, batch_of(task), end_at_the_third)
    assert batch_of(task).items == []

    save = Batch.save

    def break_off(batch: Batch, **options: Any) -> None:
        save(batch, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Batch, "save", break_off)
    with pytest.raises(KeyboardInterrupt):
        undoing.gather(task, batch_of(task), lambda: None)
    monkeypatch.setattr(Batch, "save", save)
    assert batch_of(task).items == []

    undoing.gather(task, batch_of(task), lambda: None)
    items = batch_of(task).items
    assert len(items) == 5
    Task.objects.filter(parent=batch_of(task).undoes.task).delete()  # type: ignore[union-attr]
    undoing.gather(task, batch_of(task), lambda: None)  # as the next attempt does
    assert batch_of(task).items == items


def test_who_has_lost_the_task_gathers_nothing(in_hand: Callable[[], Task]) -> None:
    task = in_hand()
    Task.objects.filter(pk=task.pk).update(epoch=task.epoch + 1)
    with pytest.raises(Stopped):
        undoing.gather(task, batch_of(task), lambda: None)
    assert batch_of(task).items == []


def test_a_part_that_succeeded_since_is_undone_with_the_others(
    in_hand: Callable[[], Task],
) -> None:
    task = in_hand()
    undone = batch_of(task).undoes
    assert undone is not None
    TaskFactory(parent=undone.task, type="model.start", state=State.SUCCEEDED, payload={})
    undoing.gather(task, batch_of(task), lambda: None)
    task.refresh_from_db()
    assert task.payload["count"] == len(batch_of(task).items) == 6


def test_without_the_batch_that_it_undoes_there_is_no_plan(in_hand: Callable[[], Task]) -> None:
    task = in_hand()
    Batch.objects.filter(task=task).update(undoes=None)
    run_attempt(hub(), task)
    task.refresh_from_db()
    assert (task.state, (task.error or {})["code"]) == (State.FAILED, "plan_gone")
