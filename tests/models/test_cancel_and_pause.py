"""Cancelling, pausing and retrying pulls; and several people at once."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.choices import ModelStatus
from models_app.models import OllamaModel
from models_app.services import lifecycle
from ollamactl.lib.errors import ApplicationError, Conflict
from ollamactl.simulator.running import RunningSimulator
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.factories import UserFactory, actor_of
from tests.models.conftest import MB, Engine, Panel

Simulator = RunningSimulator


def begun(panel: Panel, simulator: Simulator, name: str, version: int = 1) -> Task:
    """A slow pull of 40 MB of which something has arrived."""
    simulator.control.publish(name, 40 * MB, version=version)
    simulator.control.speed(10 * MB)
    task = panel.pull(name).task
    panel.wait_for_bytes(task, MB)
    return task


def nobody_downloads(simulator: Simulator, name: str) -> None:
    wait_until(lambda: simulator.control.pulls(name)["active"] == 0, "the download has stopped")


@pytest.mark.usefixtures("engine")
def test_cancel_a_fresh_pull_and_try_again(panel: Panel, simulator: Simulator) -> None:
    task = begun(panel, simulator, "fresh")
    lifecycle.cancel_work(actor=SYSTEM, model=panel.model("fresh"))
    panel.wait(task, "cancelled")
    model = panel.model("fresh")
    assert (model.status, str(model.message)) == (ModelStatus.ERROR, "Cancelled.")
    assert not model.is_installed
    nobody_downloads(simulator, "fresh:latest")
    moved = sum(simulator.control.counters()["bytes_moved"].values())
    assert moved < 40 * MB

    simulator.control.speed(1e9)
    again = lifecycle.retry_work(actor=SYSTEM, model=panel.model("fresh"))
    assert again.pk == task.pk
    panel.wait(again)
    assert panel.model("fresh").status == ModelStatus.STOPPED
    # What was there was kept.
    assert sum(simulator.control.counters()["bytes_moved"].values()) < 41 * MB


@pytest.mark.usefixtures("engine")
def test_cancel_an_update_and_the_installed_version_stays(
    panel: Panel, simulator: Simulator
) -> None:
    simulator.control.publish("kept", MB, version=1)
    before = panel.pulled("kept")
    task = begun(panel, simulator, "kept", version=2)
    lifecycle.cancel_work(actor=SYSTEM, model=panel.model("kept"))
    panel.wait(task, "cancelled")
    after = panel.model("kept")
    assert (after.status, after.digest, after.size) == ("stopped", before.digest, before.size)
    start = lifecycle.start_model(actor=SYSTEM, model=after)
    panel.wait(start)
    assert panel.model("kept").status == ModelStatus.RUNNING


def test_cancel_one_that_waits(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("waits", MB)
    pull = panel.pull("waits")
    lifecycle.cancel_work(actor=SYSTEM, model=pull.model)
    model = panel.model("waits")
    assert model.status == ModelStatus.ERROR
    assert simulator.control.pulls("waits:latest") == {}
    with pytest.raises(Conflict):
        lifecycle.cancel_work(actor=SYSTEM, model=model)
    verbs = list(AuditRecord.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["model.pull", "task.cancel"]


@pytest.mark.usefixtures("engine")
def test_pause_gives_the_place_to_another(panel: Panel, simulator: Simulator) -> None:
    panel.server.max_downloads = 1
    panel.server.save()
    first = begun(panel, simulator, "first")
    simulator.control.publish("second", MB)
    second = panel.pull("second").task
    assert Task.objects.get(pk=second.pk).state == "queued"
    lifecycle.pause_pull(actor=SYSTEM, model=panel.model("first"))
    panel.wait(first, "paused")
    assert panel.model("first").status == ModelStatus.PAUSED
    simulator.control.speed(1e9)
    panel.wait(second)
    lifecycle.resume_pull(actor=SYSTEM, model=panel.model("first"))
    panel.wait(first)


@pytest.mark.usefixtures("engine")
def test_an_update_of_a_running_model_hides_behind_it(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("busy", MB, version=1)
    panel.wait(lifecycle.start_model(actor=SYSTEM, model=panel.pulled("busy")))
    task = begun(panel, simulator, "busy", version=2)
    during = panel.model("busy")
    assert (during.status, during.last_task) == (ModelStatus.RUNNING, task)
    simulator.control.speed(1e9)
    panel.wait(task)
    assert panel.model("busy").is_installed


def test_two_people_pull_the_same_at_once(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("wanted", MB)
    users = [UserFactory(role="operator") for _ in range(6)]
    ready = threading.Barrier(len(users))
    tasks: list[int] = []
    refused: list[ApplicationError] = []

    def pull(number: int) -> None:
        ready.wait(10)
        try:
            name = "wanted" if number % 2 else "WANTED:latest"
            tasks.append(panel.pull(name, actor=actor_of(users[number])).task.pk)
        except ApplicationError as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=pull, args=(number,)) for number in range(len(users))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(tasks) == 1
    assert {(error.code, error.extra["task"]) for error in refused} == {("conflict", tasks[0])}
    assert len(refused) == len(users) - 1
    assert OllamaModel.objects.count() == Task.objects.count() == 1
    assert AuditRecord.objects.filter(verb="model.pull").count() == 1


def test_what_is_under_way_is_not_started_stopped_or_deleted(
    panel: Panel, engine: Engine, simulator: Simulator
) -> None:
    task = begun(panel, simulator, "busy")
    for service in (lifecycle.start_model, lifecycle.stop_model, lifecycle.delete_model):
        with pytest.raises(Conflict) as refused:
            service(actor=SYSTEM, model=panel.model("busy"))
        assert "is being worked on already" in str(refused.value)
        assert refused.value.extra["task"] == task.pk
    simulator.control.speed(1e9)
    panel.wait(task)
