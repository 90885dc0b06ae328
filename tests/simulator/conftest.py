"""A simulator for each test, and plain calls to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.contract.calls import Calls


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    """A fast one with nothing installed."""
    with running_simulator() as running:
        yield running


@pytest.fixture
def calls(simulator: RunningSimulator) -> Iterator[Calls]:
    with Calls(simulator.url) as calls:
        yield calls
