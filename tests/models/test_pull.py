"""A pull, from the click to the end, with everything that can happen to it on its way."""

from __future__ import annotations

import pytest

from audit_app.models import AuditRecord
from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator
from tasks_app.logs import log_file_exist, read_log
from tasks_app.models import Task
from tests.models.conftest import MB, Engine, Panel

pytestmark = pytest.mark.usefixtures("engine")


def test_a_fresh_pull(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("fresh", 4 * MB)
    pull = panel.pull("fresh")
    assert pull.model.name == "fresh:latest"
    assert pull.preflight.download_bytes is not None
    assert pull.preflight.download_bytes >= 4 * MB

    task = panel.wait(pull.task)
    model = panel.model("fresh")
    assert (model.status, str(model.message)) == (ModelStatus.STOPPED, "")
    assert model.size == pull.preflight.download_bytes == task.total == task.done
    assert len(model.digest) == 64
    assert (model.family, model.source) == ("llama", Source.LIBRARY)
    assert model.context_length
    assert model.modified_at is not None
    assert model.last_task == task
    assert log_file_exist(task)
    log = read_log(task)
    assert log is not None
    assert "verifying sha256 digest" in log.text


def test_an_update_of_an_installed_model(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("kept", MB, version=1)
    before = panel.pulled("kept")
    simulator.control.publish("kept", 2 * MB, version=2)
    simulator.control.speed(2 * MB)
    pull = panel.pull("kept")
    panel.wait_for_bytes(pull.task, 1)
    during = panel.model("kept")
    assert (during.pk, during.status, during.digest) == (
        before.pk,
        ModelStatus.DOWNLOADING,
        before.digest,
    )
    simulator.control.speed(1e9)
    panel.wait(pull.task)
    after = panel.model("kept")
    assert after.status == ModelStatus.STOPPED
    assert after.digest != before.digest
    assert after.size is not None
    assert after.size > 2 * MB


def test_one_that_is_up_to_date_needs_nothing(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("same", MB)
    before = panel.pulled("same")
    pull = panel.pull("same")
    assert pull.preflight.download_bytes == 0
    panel.wait(pull.task)
    after = panel.model("same")
    assert (after.digest, after.size, after.status) == (before.digest, before.size, "stopped")


def test_other_spellings_are_the_same_model(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("Spelled", MB)
    simulator.control.speed(MB / 10)
    first = panel.pull("spelled")
    for name in (
        "SPELLED:LATEST",
        " library/spelled ",
        "registry.ollama.ai/library/Spelled:latest",
    ):
        with pytest.raises(Conflict) as refused:
            panel.pull(name)
        assert refused.value.extra == {"task": first.task.pk, "model": first.model.pk}
    assert OllamaModel.objects.count() == 1
    simulator.control.speed(1e9)
    panel.wait(first.task)
    assert panel.pull("SPELLED").model.pk == first.model.pk


@pytest.mark.parametrize("name", ["", "a b", "a/b/c/d", "x@sha256:1", "http://x", "a" * 2000])
def test_a_wrong_name_is_said_at_its_field(panel: Panel, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        panel.pull(name)
    assert refused.value.attr == "name"
    assert len(str(refused.value)) > 20
    assert not Task.objects.exists()
    assert not OllamaModel.objects.exists()


def test_the_model_has_its_name_as_the_server_writes_it(
    panel: Panel, simulator: RunningSimulator
) -> None:
    simulator.control.publish("loud", MB)
    pull = panel.pull("LOUD")
    panel.wait(pull.task)
    listed = {m.name.display for m in simulator.call(lambda s: list(s.store.models()))}
    assert {panel.model("loud").name} == listed


def test_no_more_than_the_limit_run_at_once(panel: Panel, simulator: RunningSimulator) -> None:
    panel.server.max_downloads = 2
    panel.server.save()
    simulator.control.speed(MB / 2)
    pulls = []
    for number in range(4):
        simulator.control.publish(f"many{number}", 2 * MB)
        pulls.append(panel.pull(f"many{number}"))
    for pull in pulls[:2]:
        panel.wait_for_bytes(pull.task, 1)
    states = [Task.objects.get(pk=pull.task.pk).state for pull in pulls]
    assert states == ["running", "running", "queued", "queued"]
    assert panel.model("many3").status == ModelStatus.WAITING
    behind = {reason["code"]: str(reason["detail"]) for reason in pulls[3].preflight.reasons}
    assert behind["queued_behind"].startswith(
        "Downloads before this one: 3. This server runs 2 at once."
    )
    simulator.control.speed(1e9)
    for pull in pulls:
        panel.wait(pull.task)
    assert simulator.control.pulls("many3:latest")["started"] == 1


def test_a_pull_and_its_record_are_one(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("recorded", MB)
    pull = panel.pull("recorded")
    record = AuditRecord.objects.get(verb="model.pull")
    assert (record.resource_type, record.resource_id) == ("model", pull.model.pk)
    assert record.data["task"] == pull.task.pk
    assert record.data["override"] is False
    panel.wait(pull.task)


def test_what_the_engine_had_to_give_back_goes_on(
    panel: Panel, simulator: RunningSimulator, engine: Engine
) -> None:
    simulator.control.publish("given", 40 * MB)
    simulator.control.speed(4 * MB)
    pull = panel.pull("given")
    panel.wait_for_bytes(pull.task, MB)
    engine.stop()
    task = panel.wait(pull.task, "queued")
    assert panel.model("given").status == ModelStatus.WAITING
    reached = task.done or 0
    second = Engine().start()
    try:
        simulator.control.speed(1e9)
        panel.wait(pull.task)
    finally:
        second.stop()
    moved = sum(simulator.control.counters()["bytes_moved"].values())
    assert moved < 41 * MB  # what was there was not fetched again
    assert (pull.task.done or 0) >= reached
