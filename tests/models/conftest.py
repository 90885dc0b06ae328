"""Servers, models and a simulated Ollama for the tests of `models_app`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models_app.choices import ServerStatus
from models_app.models import OllamaServer
from ollamactl.simulator.running import RunningSimulator, running_simulator


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """A simulated Ollama with its registry."""
    with running_simulator() as running:
        yield running


@pytest.fixture
def server(db: None, simulator: RunningSimulator) -> OllamaServer:
    """The row of that simulator, as after a good check."""
    return OllamaServer.objects.create(
        name="sim",
        base_url=simulator.url,
        status=ServerStatus.ONLINE,
        version="0.24.0-simulated",
    )
