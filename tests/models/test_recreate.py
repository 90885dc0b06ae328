"""Making a model anew, on the simulated server and on the real one."""

from __future__ import annotations

from typing import Any

import pytest

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel
from models_app.ollama.names import ModelName
from models_app.ollama.types import ModelDetails, TagEntry
from models_app.services.copies import copy_model
from models_app.services.lifecycle import cancel_work, retry_work
from models_app.services.listing import Listing
from models_app.services.parameters import read_lines, read_parameters
from models_app.services.recreating import (
    derive_model,
    recreate_model,
    temporary_name,
    without_workshop,
)
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator
from tests.factories import OllamaModelFactory
from tests.models.backends import Backend
from tests.models.conftest import MB, Panel


@pytest.fixture
def made(backend: Backend) -> OllamaModel:
    """A model that a test may change."""
    begun = copy_model(actor=SYSTEM, model=backend.model(), name="made")
    backend.panel.wait(begun.task)
    return backend.model("made")


def shown(backend: Backend, name: str = "made") -> dict[str, Any]:
    body = backend.ask("POST", "/api/show", {"model": name})
    rows = (line.split(None, 1) for line in body["parameters"].splitlines())
    texts = {key: body.get(key, "") for key in ("system", "template")}
    return {**{key: value.strip() for key, value in rows}, **texts}


def test_what_is_changed_changes_and_the_rest_stays(backend: Backend, made: OllamaModel) -> None:
    before = shown(backend)
    begun = recreate_model(
        actor=SYSTEM, model=made, parameters={"temperature": 0.25, "num_ctx": "1024"}
    )
    task = backend.panel.wait(begun.task)
    after = shown(backend)
    assert (after["temperature"], after["num_ctx"]) == ("0.25", "1024")
    assert (after["system"], after["template"]) == (before["system"], before["template"])
    model = backend.model("made")
    assert (model.pk, model.status) == (made.pk, ModelStatus.STOPPED)
    assert model.digest == backend.tags()["made:latest"] != made.digest
    assert (task.result or {})["changed"] == ["parameters"]
    assert set(backend.tags()) == {backend.name, "made:latest"}
    assert AuditRecord.objects.get(verb="model.recreate").data["changed"] == ["parameters"]

    begun = recreate_model(actor=SYSTEM, model=model, system="Be brief.", template="{{ .Prompt }}")
    backend.panel.wait(begun.task)
    last = shown(backend)
    assert (last["system"], last["template"]) == ("Be brief.", "{{ .Prompt }}")
    assert last["temperature"] == "0.25"
    assert backend.sync()["unchanged"] == 2


def test_another_model_is_made_out_of_one(backend: Backend, made: OllamaModel) -> None:
    before = shown(backend)
    begun = derive_model(
        actor=SYSTEM, model=made, name="other", parameters={"top_k": 7}, system="Be brief."
    )
    assert (begun.model.name, begun.model.source) == ("other:latest", Source.LOCAL)
    task = backend.panel.wait(begun.task)
    after = shown(backend, "other")
    assert (after["top_k"], after["system"]) == ("7", "Be brief.")
    assert (shown(backend), after["template"]) == (before, before["template"])
    other = backend.model("other")
    assert (other.pk, other.status) == (begun.model.pk, ModelStatus.STOPPED)
    assert other.digest == backend.tags()["other:latest"]
    assert set(backend.tags()) == {backend.name, "made:latest", "other:latest"}
    assert (task.result or {})["changed"] == ["parameters", "system"]
    data = AuditRecord.objects.get(verb="model.recreate").data
    assert (data["source"], data["changed"]) == ("made:latest", ["parameters", "system"])
    with pytest.raises(Conflict) as taken:
        derive_model(actor=SYSTEM, model=made, name="other")
    assert taken.value.code == "exists"
    with pytest.raises(InvalidInput):
        derive_model(actor=SYSTEM, model=made, name="made:latest")
    assert backend.sync()["unchanged"] == 3


def test_another_model_may_be_the_same(backend: Backend, made: OllamaModel) -> None:
    backend.panel.wait(derive_model(actor=SYSTEM, model=made, name="other").task)
    assert shown(backend, "other") == shown(backend)


def test_one_that_cannot_be_made_leaves_the_old_one(backend: Backend, made: OllamaModel) -> None:
    begun = recreate_model(actor=SYSTEM, model=made, template="{{ .Prompt")
    task = backend.panel.wait(begun.task, "failed")
    assert "template" in str((task.error or {})["detail"])
    assert backend.tags() == {backend.name: made.digest, "made:latest": made.digest}
    model = backend.model("made")
    assert (model.status, model.digest) == (ModelStatus.STOPPED, made.digest)
    assert "template" in str(model.message)


@pytest.mark.parametrize("cut_off", ["made", "exchanged"])
def test_one_that_was_cut_off_is_made_again(
    backend: Backend, made: OllamaModel, cut_off: str
) -> None:
    """As after `kill -9` before or after the exchange: the leftover goes, the rest is the same."""
    leftover = temporary_name(ModelName.parse("made")).display
    order = {"model": leftover, "from": "made", "stream": False, "parameters": {"top_k": 7}}
    backend.ask("POST", "/api/create", order)
    if cut_off == "exchanged":
        backend.ask("POST", "/api/copy", {"source": leftover, "destination": "made"})
    begun = recreate_model(actor=SYSTEM, model=made, parameters={"top_k": 7})
    backend.panel.wait(begun.task)
    assert shown(backend)["top_k"] == "7"
    assert set(backend.tags()) == {backend.name, "made:latest"}


def test_a_sync_does_not_see_what_is_being_made(panel: Panel) -> None:
    model = OllamaModelFactory(server=panel.server, name="made:latest")
    names = (ModelName.parse("made"), temporary_name(ModelName.parse("made")))
    listing = Listing([TagEntry(n, "1" * 64, 1, None, ModelDetails()) for n in names], [])
    assert without_workshop(panel.server, listing) == listing
    begun = recreate_model(actor=SYSTEM, model=model, system="Be brief.")
    assert set(without_workshop(panel.server, listing).by_key) == {model.key}
    cancel_work(actor=SYSTEM, model=begun.model)
    assert without_workshop(panel.server, listing) == listing


def test_what_nobody_makes_any_more_can_be_seen(backend: Backend, made: OllamaModel) -> None:
    leftover = temporary_name(ModelName.parse("made")).display
    backend.ask("POST", "/api/copy", {"source": "made", "destination": leftover})
    assert backend.sync()["added"] == 1
    assert backend.model(leftover).digest == made.digest
    backend.ask("DELETE", "/api/delete", {"model": leftover})
    assert backend.sync()["deleted"] == 1


@pytest.mark.usefixtures("engine")
def test_with_nothing_to_change_it_is_pulled_again(
    panel: Panel, simulator: RunningSimulator
) -> None:
    simulator.control.publish("fresh", MB)
    old = panel.pulled("fresh")
    simulator.control.publish("fresh", MB, version=2)
    begun = recreate_model(actor=SYSTEM, model=old)
    assert begun.task.type == "model.pull"
    panel.wait(begun.task)
    assert panel.model("fresh").digest != old.digest
    copied = copy_model(actor=SYSTEM, model=old, name="mine")
    panel.wait(copied.task)
    with pytest.raises(InvalidInput, match="made here"):
        recreate_model(actor=SYSTEM, model=panel.model("mine"))


@pytest.mark.usefixtures("engine")
def test_a_failed_one_can_be_tried_again(panel: Panel, simulator: RunningSimulator) -> None:
    simulator.control.publish("shaky", MB)
    model = panel.pulled("shaky")
    simulator.control.fault("http_error", endpoint="/api/create", message="no", status=400)
    begun = recreate_model(actor=SYSTEM, model=model, system="Be brief.")
    panel.wait(begun.task, "failed")
    assert panel.model("shaky").digest == model.digest
    simulator.control.clear()
    panel.wait(retry_work(actor=SYSTEM, model=panel.model("shaky")))
    assert panel.model("shaky").digest != model.digest


def test_parameters_are_read_in_their_types() -> None:
    lines = 'temperature 0.7\n PARAMETER num_ctx 8192\nstop <end>\nstop "a b"\n\nuse_mmap false'
    assert read_lines(lines) == {
        "temperature": 0.7,
        "num_ctx": 8192,
        "stop": ["<end>", "a b"],
        "use_mmap": False,
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"heat": 1}, "no parameter “heat”"),
        ({"num_ctx": "much"}, "a whole number"),
        ({"num_ctx": 1.5}, "a whole number"),
        ({"num_ctx": True}, "a whole number"),
        ({"seed": 2**60}, "a whole number"),
        ({"temperature": "nan"}, "a number"),
        ({"temperature": None}, "a number"),
        ({"use_mmap": "perhaps"}, "true or false"),
        ({"stop": [""]}, "a list of short texts"),
        ({"stop": ["x"] * 51}, "a list of short texts"),
    ],
)
def test_what_is_no_parameter(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        read_parameters(given)
    assert refused.value.attr == "parameters"
