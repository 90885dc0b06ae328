"""Deleting models, and the rows of what never came."""

from __future__ import annotations

from typing import cast

import pytest

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.models import OllamaModel
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import ModelMissing, OllamaError, ServerError
from models_app.ollama.names import ModelName
from models_app.ollama.types import TagEntry
from models_app.runners import deletion
from models_app.services import lifecycle
from ollamactl.simulator.running import RunningSimulator
from tasks_app.logs import log_file_exist
from tasks_app.models import Task
from tests.components.loopback import PLAIN
from tests.models.conftest import MB, Panel
from tests.models.test_sync import entry

Simulator = RunningSimulator
pytestmark = pytest.mark.usefixtures("engine")


def delete(model: OllamaModel) -> Task:
    return lifecycle.delete_model(actor=SYSTEM, model=model)


def there(simulator: Simulator) -> set[str]:
    return set(simulator.call(lambda s: [m.name.display for m in s.store.models()]))


def test_a_loaded_one_is_stopped_first(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("loaded", MB)
    panel.wait(lifecycle.start_model(actor=SYSTEM, model=panel.pulled("loaded")))
    model = panel.model("loaded")
    pulled = Task.objects.get(type="model.pull")
    assert log_file_exist(pulled)
    task = panel.wait(delete(model))
    assert there(simulator) == set()
    assert simulator.call(lambda s: s.runners.as_json()) == []
    assert not OllamaModel.objects.exists()
    for ended in Task.objects.all():
        assert not log_file_exist(ended)
    assert task.result == {"deleted": "loaded:latest"}
    assert AuditRecord.objects.filter(verb="model.delete", resource_name="loaded:latest").exists()


def test_one_that_is_gone_already(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("gone", MB)
    model = panel.pulled("gone")
    simulator.control.remove("gone")
    panel.wait(delete(model))
    assert not OllamaModel.objects.exists()


def test_the_row_of_a_failed_pull(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("never", MB)
    simulator.control.fault("disk_full")
    panel.wait(panel.pull("never").task, "failed")
    panel.wait(delete(panel.model("never")))
    assert not OllamaModel.objects.exists()


def test_the_row_of_a_failed_pull_whose_server_is_down(panel: Panel, simulator: Simulator) -> None:
    simulator.control.publish("never", MB)
    simulator.control.fault("disk_full")
    panel.wait(panel.pull("never").task, "failed")
    simulator.stop()
    panel.wait(delete(panel.model("never")))
    assert not OllamaModel.objects.exists()


def test_one_that_is_installed_stays_while_its_server_is_down(
    panel: Panel, simulator: Simulator
) -> None:
    simulator.control.publish("kept", MB)
    model = panel.pulled("kept")
    simulator.stop()
    panel.wait(delete(model), "failed")
    model = panel.model("kept")
    assert (model.status, model.is_installed) == ("stopped", True)
    assert "Check that Ollama runs there" in str(model.message)
    simulator.start()  # it has forgotten everything
    panel.wait(lifecycle.retry_work(actor=SYSTEM, model=model))
    assert not OllamaModel.objects.exists()


def test_another_name_of_the_same_content_stays_loaded(panel: Panel, simulator: Simulator) -> None:
    import httpx

    simulator.control.publish("original", MB)
    model = panel.pulled("original")
    names = {"source": "original", "destination": "alias"}
    httpx.post(
        f"{simulator.url}/api/copy", json=names, verify=PLAIN, trust_env=False
    ).raise_for_status()
    alias = OllamaModel.objects.create(
        server=panel.server,
        name="alias:latest",
        key="registry.ollama.ai/library/alias:latest",
        source="library",
        status="stopped",
        digest=model.digest,
    )
    panel.wait(lifecycle.start_model(actor=SYSTEM, model=model))
    panel.wait(delete(alias))
    assert there(simulator) == {"original:latest"}
    assert simulator.call(lambda s: len(s.runners.as_json())) == 1


class Stumbling:
    """A server on which the first deletions fail although, or before, the model is gone."""

    def __init__(self, errors: list[OllamaError], there: list[bool]) -> None:
        self.errors, self.there, self.asked = errors, there, 0

    async def delete(self, name: ModelName) -> None:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)

    async def tags(self) -> list[TagEntry]:
        return [entry("m:latest")] if self.there.pop(0) else []


async def stumble(errors: list[OllamaError], there: list[bool]) -> int:
    """How often a deletion was asked for until it came to its end."""
    server = Stumbling(errors, there)
    await deletion._delete(cast("OllamaClient", server), ModelName.parse("m"))
    return server.asked


async def test_one_that_failed_beside_another_deletion_is_asked_for_again() -> None:
    assert await stumble([ServerError("500")], [True]) == 2
    assert await stumble([ModelMissing("404"), ServerError("500")], [True, True]) == 3
    assert await stumble([ServerError("500")], [False]) == 1  # it is gone all the same
    with pytest.raises(ModelMissing):
        await stumble([ModelMissing("404")], [False])
    with pytest.raises(ServerError):
        await stumble([ServerError("500")] * 9, [True] * 9)
