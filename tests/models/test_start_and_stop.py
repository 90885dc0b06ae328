"""Loading models into memory and letting them go."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from audit_app.actors import SYSTEM
from models_app.choices import ModelStatus
from models_app.models import OllamaModel
from models_app.services import lifecycle
from ollamactl.lib.errors import Conflict
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.models import Task
from tests.components.loopback import PLAIN
from tests.components.waiting import wait_until
from tests.models.conftest import MB, Panel, row_of

Simulator = RunningSimulator
pytestmark = pytest.mark.usefixtures("engine")


def installed(panel: Panel, simulator: Simulator, name: str = "ready", **offer: Any) -> OllamaModel:
    simulator.control.publish(name, offer.pop("size", MB), **offer)
    return panel.pulled(name)


def loaded_names(simulator: Simulator) -> set[str]:
    import httpx

    answer = httpx.get(f"{simulator.url}/api/ps", verify=PLAIN, trust_env=False).json()
    return {model["name"] for model in answer["models"]}


def start(model: OllamaModel) -> Task:
    return lifecycle.start_model(actor=SYSTEM, model=model)


def stop(model: OllamaModel) -> Task:
    return lifecycle.stop_model(actor=SYSTEM, model=model)


def test_start_then_stop(panel: Panel, simulator: Simulator) -> None:
    model = installed(panel, simulator)
    before = timezone.now()
    task = panel.wait(start(model))
    model = panel.model("ready")
    assert (model.status, model.is_loaded) == (ModelStatus.RUNNING, True)
    assert model.loaded is not None
    assert model.loaded["size"] >= model.loaded["size_vram"] > 0
    assert model.loaded["processor"] == "100% GPU"
    assert model.loaded["expires_at"] is None  # until it is stopped
    assert model.last_used_at is not None
    assert model.last_used_at >= before
    assert task.result is not None
    assert task.result["load_seconds"] >= 0
    assert loaded_names(simulator) == {"ready:latest"}

    panel.wait(stop(model))
    model = panel.model("ready")
    assert (model.status, model.loaded) == (ModelStatus.STOPPED, None)
    assert loaded_names(simulator) == set()
    with pytest.raises(Conflict, match="is not running"):
        stop(model)


def test_one_that_only_embeds(panel: Panel, simulator: Simulator) -> None:
    panel.wait(start(installed(panel, simulator, "embeds", family="bert")))
    assert panel.model("embeds").status == ModelStatus.RUNNING
    panel.wait(stop(panel.model("embeds")))
    assert loaded_names(simulator) == set()


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ({"kind": "http_500_empty"}, "server_error", "does not say why"),
        ({"kind": "http_503"}, "busy", "Try again in a moment"),
        (
            {"kind": "http_error", "message": "model requires more system memory (9.9 GiB) than"},
            "insufficient_memory",
            "too little free memory",
        ),
        ({"kind": "html"}, "not_ollama", "web page"),
    ],
)
def test_a_load_that_fails_says_why(
    panel: Panel, simulator: Simulator, fault: dict[str, Any], code: str, words: str
) -> None:
    model = installed(panel, simulator)
    simulator.control.fault(**fault, endpoint="/api/generate")
    task = panel.wait(start(model), "failed")
    assert (task.error or {})["code"] == code
    model = panel.model("ready")
    assert model.status == ModelStatus.STOPPED
    assert words in str(model.message)
    simulator.control.clear()
    panel.wait(start(model))
    assert str(panel.model("ready").message) == ""


def test_one_that_is_gone_from_the_server(panel: Panel, simulator: Simulator) -> None:
    model = installed(panel, simulator)
    panel.server.refresh_from_db()
    panel.server.tags_hash = "something"
    panel.server.save()
    simulator.control.remove("ready")
    task = panel.wait(start(model), "failed")
    assert (task.error or {})["code"] == "model_missing"
    assert "does not have this model" in str(panel.model("ready").message)

    def doubted() -> bool:
        panel.server.refresh_from_db()
        return panel.server.tags_hash == ""

    wait_until(doubted, "the list is to be read again")


def test_cancel_while_it_loads(panel: Panel) -> None:
    with running_simulator(load_speed=10 * MB) as slow:
        panel.server = row_of(slow, "slow")
        slow.control.publish("large", 2000 * MB)
        model = panel.pulled("large")
        task = start(model)
        panel.wait(task, "running")
        wait_until(lambda: panel.model("large").status == "starting", "it is starting")
        lifecycle.cancel_work(actor=SYSTEM, model=panel.model("large"))
        panel.wait(task, "cancelled")
        model = panel.model("large")
        assert (model.status, str(model.message)) == (ModelStatus.STOPPED, "Cancelled.")


def test_stop_waits_until_the_server_has_let_go(panel: Panel) -> None:
    with running_simulator(unload_seconds=0.6) as slow:
        panel.server = row_of(slow, "slow")
        slow.control.publish("lingers", MB)
        panel.wait(start(panel.pulled("lingers")))
        task = stop(panel.model("lingers"))
        panel.wait(task, "running")
        assert panel.model("lingers").status == ModelStatus.STOPPING
        panel.wait(task)
        assert loaded_names(slow) == set()


def test_an_alias_is_stopped_by_its_digest(panel: Panel, simulator: Simulator) -> None:
    """Ollama names only the name by which the shared runner was loaded."""
    import httpx

    model = installed(panel, simulator, "original")
    names = {"source": "original", "destination": "alias"}
    httpx.post(
        f"{simulator.url}/api/copy", json=names, verify=PLAIN, trust_env=False
    ).raise_for_status()
    alias = OllamaModel.objects.create(
        server=panel.server,
        name="alias:latest",
        key="registry.ollama.ai/library/alias:latest",
        source="library",
        status=ModelStatus.STOPPED,
        digest=model.digest,
    )
    panel.wait(start(model))
    panel.wait(start(alias))
    assert panel.model("alias").status == ModelStatus.RUNNING
    panel.wait(stop(panel.model("alias")))
    assert loaded_names(simulator) == set()


def test_one_that_was_never_pulled(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("later", MB)
    simulator.control.fault("disk_full")
    panel.wait(panel.pull("later").task, "failed")
    for service in (lifecycle.start_model, lifecycle.stop_model):
        with pytest.raises(Conflict, match="is not on the server yet"):
            service(actor=SYSTEM, model=panel.model("later"))


def test_a_server_that_is_down(panel: Panel, simulator: Simulator) -> None:
    model = installed(panel, simulator)
    simulator.stop()
    task = panel.wait(start(model), "failed")
    assert (task.error or {})["code"] == "unreachable"
    assert "Check that Ollama runs there" in str(panel.model("ready").message)
