"""The check says before a download what then comes over the line, to the byte."""

from __future__ import annotations

import os

import pytest

from models_app.choices import ServerStatus
from models_app.models import OllamaServer
from models_app.services.preflight import check_pull
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import RegistryProcess
from tests.models.conftest import MB, Engine, Panel


@pytest.fixture
def real(
    panel: Panel, real_ollama: OllamaProcess, real_registry: RegistryProcess, settings: object
) -> Panel:
    """The panel at a real Ollama that pulls from a real registry."""
    settings.INSECURE_REGISTRIES = [real_registry.host]  # type: ignore[attr-defined]
    panel.server = OllamaServer.objects.create(
        name="real", base_url=real_ollama.url, status=ServerStatus.ONLINE, version="0.24.0"
    )
    return panel


def test_a_model_that_shares_layers_with_one_that_is_there(
    real: Panel, engine: Engine, real_registry: RegistryProcess
) -> None:
    shared, first, second = (os.urandom(size) for size in (4 * MB, MB, 3 * MB))
    there = real_registry.push_layers([shared, first])
    wanted = real_registry.push_layers([shared, second])
    before = check_pull(server=real.server, name=there.name)
    assert (before.estimate, before.download_bytes) == ("manifest", there.size)
    assert sent_by(real, real_registry, there.name) == there.size
    found = check_pull(server=real.server, name=wanted.name)
    assert found.download_bytes == wanted.size - len(shared)
    assert sent_by(real, real_registry, wanted.name) == found.download_bytes
    assert check_pull(server=real.server, name=wanted.name).download_bytes == 0


def sent_by(panel: Panel, registry: RegistryProcess, name: str) -> int:
    """The bytes of blobs that go out for one pull through the panel."""
    before = registry.blobs.sent
    pull = panel.pull(name)
    panel.wait(pull.task, timeout=60)
    return registry.blobs.sent - before
