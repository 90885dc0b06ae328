"""The room that a batch of downloads keeps for what it has not downloaded yet."""

from __future__ import annotations

import pytest

from audit_app.actors import SYSTEM
from models_app.batch_models import Batch
from models_app.batches.selection import Selection
from models_app.models import OllamaServer, PanelSettings
from models_app.ollama.names import ModelName
from models_app.resources.estimates import assumed_size, estimated_size
from models_app.services import batches
from models_app.services.preflight import check_pull
from ollamactl.simulator.running import RunningSimulator
from tasks_app.execution import work_off
from tasks_app.models import Task
from tasks_app.reconcile import finish_cancels
from tasks_app.services import cancel_task
from tests.factories import OllamaModelFactory
from tests.models.conftest import MB, Panel
from tests.models.plans import NAMES, plan_of

Simulator = RunningSimulator


@pytest.mark.usefixtures("silent_registries")
def test_what_is_up_to_date_is_taken_for_nothing(server: OllamaServer) -> None:
    for name, outdated in (("old", True), ("new", False), ("unasked", None)):
        OllamaModelFactory(server=server, name=f"{name}:latest", size=5 * MB, outdated=outdated)
    selection = Selection(names=["old", "new", "unasked"], servers=[server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    assert Batch.objects.get(task=task).unmade == {str(server.pk): 10 * MB}


def test_what_waits_in_a_batch_has_its_room_reserved(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    for name in NAMES:
        simulator.control.publish(name, 5 * MB)
    PanelSettings.objects.create(pk=1, downloads_held=True)  # so all of them wait
    sizes = [check_pull(server=panel.server, name=name).download_bytes or 0 for name in NAMES]
    selection = Selection(names=[*NAMES, "nobody:8b"], servers=[panel.server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    work_off("default")
    waiting = Task.objects.filter(parent=task).order_by("pk")
    assert [part.payload["needed"] for part in waiting][:3] == sizes
    reserved = check_pull(server=panel.server, name="other").disk["reserved"]
    assert reserved == sum(part.payload["needed"] or 0 for part in waiting)
    disk["free"] = reserved + 6 * MB
    simulator.control.publish("small", 5 * MB)
    simulator.control.publish("large", 7 * MB)
    assert check_pull(server=panel.server, name="small").disk["state"] == "ok"
    assert check_pull(server=panel.server, name="large").disk["state"] == "block"
    cancel_task(actor=SYSTEM, task=task)
    finish_cancels()


@pytest.mark.usefixtures("silent_registries")
def test_what_a_batch_has_not_made_yet_has_its_room_reserved(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    """By estimates until the parts are made, then by what each of them says."""
    PanelSettings.objects.create(pk=1, downloads_held=True)
    selection = Selection(names=["one:8b", "two:8b", "nobody"], servers=[panel.server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    estimate = estimated_size(ModelName.parse("one:8b"))
    assert estimate is not None
    batch = Batch.objects.get(task=task)
    unmade = 2 * estimate.bytes + assumed_size()
    assert batch.unmade == {str(panel.server.pk): unmade}
    simulator.control.publish("other", MB)
    looked = check_pull(server=panel.server, name="other").disk
    assert looked["reserved"] == looked["reserved_guessed"] == unmade
    assert plan_of(["other"], panel.server).servers[0].disk["reserved"] == looked["reserved"]
    work_off("default")
    batch.refresh_from_db()
    assert (batch.position, batch.unmade) == (3, {})
    parts = Task.objects.filter(parent=task)
    reserved = sum(part.payload["needed"] or assumed_size() for part in parts)
    assert check_pull(server=panel.server, name="other").disk["reserved"] == reserved
    cancel_task(actor=SYSTEM, task=task)
    finish_cancels()
    assert check_pull(server=panel.server, name="other").disk["reserved"] == 0


@pytest.mark.usefixtures("silent_registries")
def test_a_batch_that_will_make_no_more_reserves_nothing(
    panel: Panel, simulator: Simulator, disk: dict[str, int]
) -> None:
    selection = Selection(names=["one:8b"], servers=[panel.server.pk])
    task = batches.start_batch(actor=SYSTEM, operation="pull", selection=selection).task
    assert check_pull(server=panel.server, name="other").disk["reserved"]
    cancel_task(actor=SYSTEM, task=task)
    assert check_pull(server=panel.server, name="other").disk["reserved"] == 0
