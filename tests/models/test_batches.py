"""Many models at once: each done once, and what a failure, a cancel and a roll-back leave."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from audit_app.actors import SYSTEM
from models_app.batches.selection import Selection
from models_app.models import OllamaModel
from models_app.services import batches, servers
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator
from tasks_app.choices import State
from tasks_app.execution import work_off
from tasks_app.models import Task
from tasks_app.services import cancel_task, retry_task, roll_back_task
from tests.components.waiting import wait_until
from tests.models.conftest import MB, Engine, Panel

Simulator = RunningSimulator
NAMES = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture
def models(panel: Panel, simulator: Simulator) -> list[OllamaModel]:
    """Six models on the server, and in the panel."""
    for name in NAMES:
        simulator.control.publish(name, MB)
    simulator.control.install(*NAMES)
    servers.sync_server(actor=SYSTEM, server=panel.server)
    work_off("default")
    # Where an engine runs already, it may be that which has taken the sync.
    wait_until(lambda: OllamaModel.objects.count() == len(NAMES), "all are in the panel", 20)
    return list(OllamaModel.objects.order_by("name"))


def begin(operation: str, models: list[OllamaModel], **options: Any) -> Task:
    ids = Selection(ids=[model.pk for model in models])
    return batches.start_batch(actor=SYSTEM, operation=operation, selection=ids, **options).task


def children(task: Task) -> Counter[str]:
    return Counter(Task.objects.filter(parent=task).values_list("state", flat=True))


def test_all_are_started_stopped_and_deleted(
    panel: Panel, engine: Engine, models: list[OllamaModel], simulator: Simulator
) -> None:
    task = panel.wait(begin("start", models))
    assert task.result == {
        "skipped": 0,
        "total": 6,
        "succeeded": 6,
        "failed": 0,
        "cancelled": 0,
    }
    assert OllamaModel.objects.filter(is_loaded=True).count() == 6
    panel.wait(begin("stop", models))
    assert not OllamaModel.objects.filter(is_loaded=True).exists()
    panel.wait(begin("delete", models))
    assert not OllamaModel.objects.exists()
    assert Counter(Task.objects.exclude(parent=None).values_list("type", flat=True)) == {
        "model.start": 6,
        "model.stop": 6,
        "model.delete": 6,
    }


def test_what_cannot_be_done_is_left_out_and_said(
    panel: Panel, engine: Engine, models: list[OllamaModel]
) -> None:
    panel.wait(begin("start", models[:2]))
    plan = batches.plan_batch(
        actor=SYSTEM,
        operation="start",
        selection=Selection(ids=[*(model.pk for model in models), 999_999]),
    )
    assert plan.counts() == {"total": 7, "will": 4, "nothing": 2, "cannot": 1}
    task = panel.wait(begin("start", models))
    assert (task.result or {})["skipped"] == 2
    with pytest.raises(Conflict, match="running already"):
        begin("start", models)


def test_a_model_that_is_busy_by_then_is_a_failed_part(
    panel: Panel, models: list[OllamaModel]
) -> None:
    task = begin("start", models)
    from models_app.services import lifecycle

    lifecycle.start_model(actor=SYSTEM, model=models[0])
    work_off("default")
    task.refresh_from_db()
    assert task.state == State.FAILED
    assert children(task) == {"succeeded": 5, "failed": 1}
    failed = Task.objects.get(parent=task, state=State.FAILED)
    assert failed.error is not None
    assert failed.error["code"] == "conflict"
    retry_task(actor=SYSTEM, task=task)
    work_off("default")
    task.refresh_from_db()
    assert task.state == State.SUCCEEDED
    assert children(task) == {"succeeded": 6}


def fail_on(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from models_app.runners import StartRunner
    from tasks_app.runners import TaskFailed

    act = StartRunner.act

    async def failing(self: Any, model: OllamaModel, client: Any) -> Any:
        if model.name.startswith(name):
            raise TaskFailed("no", code="no")
        return await act(self, model, client)

    monkeypatch.setattr(StartRunner, "act", failing)


def test_after_a_failure_no_others_begin(
    panel: Panel, models: list[OllamaModel], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_on(simulator, monkeypatch, "b")
    looks: list[bool] = []
    monkeypatch.setattr(
        "tasks_app.wakeups.send_quietly",
        lambda task, *args, **options: looks.append(task.name == "tasks_app.reconcile"),
    )
    task = begin("start", models, on_error="stop")
    work_off("default")
    assert children(task) == {"succeeded": 1, "failed": 1, "queued": 4}
    assert looks.count(True) == 1  # they wait for no tick
    from tasks_app.reconcile import finish_cancels

    assert finish_cancels() == 4
    task.refresh_from_db()
    assert task.state == State.FAILED
    assert children(task) == {"succeeded": 1, "failed": 1, "cancelled": 4}


def test_after_a_failure_what_was_done_is_rolled_back(
    panel: Panel, models: list[OllamaModel], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_on(simulator, monkeypatch, "c")
    task = begin("start", models, on_error="rollback")
    work_off("default")
    from tasks_app.reconcile import finish_cancels

    finish_cancels()
    task.refresh_from_db()
    undo = Task.objects.get(type="model.rollback")
    assert (task.result or {})["rolled_back_by"] == undo.pk
    work_off("default")
    undo.refresh_from_db()
    assert undo.state == State.SUCCEEDED
    assert children(undo) == {"succeeded": 2}
    assert not OllamaModel.objects.filter(is_loaded=True).exists()
    with pytest.raises(Conflict):
        roll_back_task(actor=SYSTEM, task=task)


def test_deleted_models_come_back_by_their_names(panel: Panel, models: list[OllamaModel]) -> None:
    task = begin("delete", models[:3])
    work_off("default")
    assert OllamaModel.objects.count() == 3
    undo = roll_back_task(actor=SYSTEM, task=panel.wait(task))
    for queue in ("default", "pulls"):
        work_off(queue)
    panel.wait(undo)
    assert set(OllamaModel.objects.values_list("name", flat=True)) == {
        f"{name}:latest" for name in NAMES
    }


def test_a_cancel_in_the_middle_counts_what_was_done(
    panel: Panel, models: list[OllamaModel]
) -> None:
    task = begin("start", models)
    work_off_one = work_off
    Task.objects.filter(pk=task.pk).update(priority=5)
    from tasks_app.claim import claim_next
    from tasks_app.execution import run_attempt
    from tasks_app.hub import hub

    del work_off_one
    for _ in range(3):  # the parent, and two of its children
        claimed, _more = claim_next("default", owner=hub().owner.name)
        assert claimed is not None
        run_attempt(hub(), claimed)
    cancel_task(actor=SYSTEM, task=task)
    task.refresh_from_db()
    assert task.state == State.CANCELLED
    assert children(task) == {"succeeded": 2, "cancelled": 4}
    assert task.result == {
        "skipped": 0,
        "total": 6,
        "succeeded": 2,
        "failed": 0,
        "cancelled": 4,
    }
    assert OllamaModel.objects.filter(is_loaded=True).count() == 2


@pytest.mark.parametrize(
    ("selection", "attr"),
    [
        (Selection(), "ids"),
        (Selection(ids=[1], names=["a"]), "ids"),
        (Selection(ids=[]), "ids"),
        (Selection(ids=list(range(10_001))), "ids"),
        (Selection(filter={"nothing": "x"}), "filter"),
        (Selection(filter={"status": "blue"}), "filter"),
        (Selection(names=["a b"]), "names"),
        (Selection(names=["a"], servers=[999]), "servers"),
    ],
)
def test_a_bad_selection_is_said(panel: Panel, selection: Selection, attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        batches.plan_batch(actor=SYSTEM, operation="pull", selection=selection)
    assert refused.value.attr == attr
