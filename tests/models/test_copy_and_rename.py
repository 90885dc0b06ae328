"""Second names and new names, on the simulated server and on the real one."""

from __future__ import annotations

import pytest

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel
from models_app.services import copies, lifecycle
from models_app.services.copies import copy_model, rename_model
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator
from tasks_app.choices import State
from tasks_app.models import Task
from tests.factories import OllamaModelFactory
from tests.models.backends import Backend
from tests.models.conftest import MB, Panel


def test_a_copy_is_the_same_model_with_a_row_of_its_own(backend: Backend) -> None:
    begun = copy_model(actor=SYSTEM, model=backend.model(), name="second")
    assert (begun.model.name, begun.model.status) == ("second:latest", ModelStatus.CREATING)
    task = backend.panel.wait(begun.task)
    copy, original = backend.model("second"), backend.model()
    assert (copy.status, copy.source) == (ModelStatus.STOPPED, Source.LOCAL)
    assert copy.digest == original.digest == backend.tags()["second:latest"]
    assert copy.context_length
    assert (task.result or {})["digest"] == copy.digest
    assert AuditRecord.objects.get(verb="model.copy").data["source"] == original.name
    assert backend.sync()["unchanged"] == 2


def test_a_new_name_keeps_the_row_and_its_history(backend: Backend) -> None:
    copied = copy_model(actor=SYSTEM, model=backend.model(), name="before")
    backend.panel.wait(copied.task)
    digest = backend.tags()["before:latest"]
    begun = rename_model(actor=SYSTEM, model=copied.model, name="team/after:7b")
    # The name is taken from the first moment, and both rows show that work is under way.
    assert backend.model("team/after:7b").pk != copied.model.pk
    backend.panel.wait(begun.task)
    model = backend.model("team/after:7b")
    assert (model.pk, model.name) == (copied.model.pk, "team/after:7b")
    assert (model.status, model.digest) == (ModelStatus.STOPPED, digest)
    assert set(backend.tags()) == {backend.name, "team/after:7b"}
    assert OllamaModel.objects.count() == 2
    tasks = Task.objects.about("model", model.pk).values_list("type", flat=True)
    assert set(tasks) == {"model.copy", "model.rename"}
    assert backend.sync()["unchanged"] == 2


def test_a_loaded_model_stays_loaded_under_its_new_name(backend: Backend) -> None:
    copied = copy_model(actor=SYSTEM, model=backend.model(), name="busy")
    backend.panel.wait(copied.task)
    backend.panel.wait(lifecycle.start_model(actor=SYSTEM, model=copied.model))
    begun = rename_model(actor=SYSTEM, model=backend.model("busy"), name="calm")
    assert begun.model.status == ModelStatus.RUNNING
    backend.panel.wait(begun.task)
    model = backend.model("calm")
    assert (model.status, model.is_loaded) == (ModelStatus.RUNNING, True)
    backend.panel.wait(lifecycle.stop_model(actor=SYSTEM, model=model))
    assert backend.loaded() == []


@pytest.mark.parametrize("done", ["nothing", "copied", "deleted"])
def test_a_rename_that_was_cut_off_goes_on_from_there(backend: Backend, done: str) -> None:
    """As after `kill -9` between any two of its calls: the row is queued again and repeated."""
    copied = copy_model(actor=SYSTEM, model=backend.model(), name="old")
    backend.panel.wait(copied.task)
    digest = backend.tags()["old:latest"]
    if done != "nothing":
        backend.ask("POST", "/api/copy", {"source": "old", "destination": "new"})
    if done == "deleted":
        backend.ask("DELETE", "/api/delete", {"model": "old"})
    begun = rename_model(actor=SYSTEM, model=copied.model, name="new")
    backend.panel.wait(begun.task)
    assert backend.model("new").pk == copied.model.pk
    assert backend.tags() == {backend.name: digest, "new:latest": digest}


def test_another_model_of_that_name_is_left_alone(backend: Backend) -> None:
    """The panel does not know of it yet, and Ollama would overwrite it silently."""
    backend.ask(
        "POST",
        "/api/create",
        {"model": "unknown", "from": backend.name, "system": "Be brief.", "stream": False},
    )
    before = backend.tags()
    for service in (copy_model, rename_model):
        begun = service(actor=SYSTEM, model=backend.model(), name="unknown")
        task = backend.panel.wait(begun.task, "failed")
        assert (task.error or {})["code"] == "exists"
        assert backend.tags() == before
        OllamaModel.objects.filter(name="unknown:latest").delete()
    assert backend.model().status == ModelStatus.STOPPED


def test_what_cannot_be_is_refused_at_once(backend: Backend) -> None:
    model = backend.model()
    with pytest.raises(InvalidInput, match="name already") as same:
        copy_model(actor=SYSTEM, model=model, name=model.name.upper())
    assert same.value.attr == "name"
    with pytest.raises(InvalidInput):
        rename_model(actor=SYSTEM, model=model, name="a b")
    copied = copy_model(actor=SYSTEM, model=model, name="there")
    backend.panel.wait(copied.task)
    for service in (copy_model, rename_model):
        with pytest.raises(Conflict, match="on this server already") as taken:
            service(actor=SYSTEM, model=model, name="there")
        assert (taken.value.code, taken.value.attr) == ("exists", "name")


def test_two_that_want_one_name(panel: Panel) -> None:
    """Nobody works yet: the first one has the name, and its end gives it free again."""
    rows = [
        OllamaModelFactory(server=panel.server, name=f"{n}:latest") for n in ("first", "second")
    ]
    task = rename_model(actor=SYSTEM, model=rows[0], name="wanted").task
    for service in (copy_model, rename_model):
        with pytest.raises(Conflict, match="worked on already"):
            service(actor=SYSTEM, model=rows[1], name="wanted")
    lifecycle.cancel_work(actor=SYSTEM, model=panel.model("wanted"))
    task.refresh_from_db()
    assert task.state == State.CANCELLED
    assert not OllamaModel.objects.filter(name="wanted:latest").exists()
    assert panel.model("first").status == ModelStatus.STOPPED
    assert rename_model(actor=SYSTEM, model=rows[1], name="wanted").task.state == State.QUEUED
    with pytest.raises(Conflict, match="worked on already"):
        lifecycle.retry_work(actor=SYSTEM, model=panel.model("first"))
    lifecycle.cancel_work(actor=SYSTEM, model=panel.model("second"))


@pytest.mark.usefixtures("engine")
def test_a_failed_copy_can_be_tried_again(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("origin", MB)
    model = panel.pulled("origin")
    simulator.control.fault("http_error", endpoint="/api/copy", message="disk on fire", status=400)
    begun = copies.copy_model(actor=SYSTEM, model=model, name="twin")
    panel.wait(begun.task, "failed")
    twin = panel.model("twin")
    assert twin.status == ModelStatus.ERROR
    assert "disk on fire" in str(twin.message)
    simulator.control.clear()
    panel.wait(lifecycle.retry_work(actor=SYSTEM, model=twin))
    assert panel.model("twin").status == ModelStatus.STOPPED
