"""Each contract test runs against the simulated server and against a real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ollamactl.simulator.running import running_simulator
from tests.contract.backends import Backend, RealBackend, SimulatedBackend
from tests.contract.calls import Calls


@pytest.fixture(params=["simulated", "real"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The server under test, with nothing loaded."""
    if request.param == "simulated":
        with running_simulator() as simulator:
            yield SimulatedBackend(simulator)
    else:
        server = request.getfixturevalue("real_ollama")
        yield RealBackend(server, request.getfixturevalue("real_registry"))


@pytest.fixture
def calls(backend: Backend) -> Iterator[Calls]:
    """Plain HTTP calls to it."""
    with Calls(backend.url) as calls:
        calls.wait_until_nothing_is_loaded()
        yield calls
