"""Some scenarios of `make chaos` as they are, with few pulls of the simulated Ollama.

What kills processes is in tests/end_to_end/test_crashes.py, on the real one.
"""

from __future__ import annotations

import pytest

from chaos.clock import find_compiler
from chaos.scenarios import SCENARIOS, run_scenario
from chaos.stage import Options
from tests.components.inventory import Component, MissingComponent
from tests.components.requirement import require

pytestmark = pytest.mark.alone

PULLS = 3
# The machine of a test run has other work: times say nothing there.
PATIENCE = 12.0
COMPILER = Component("C compiler", find_compiler)


def outcome_of(name: str) -> tuple[int, list[str]]:
    """How many pulls succeeded, and the promises that were broken."""
    options = Options(seed=1, pulls=PULLS, patience=PATIENCE, quick=True)
    verdict, _notes, _seconds = run_scenario(SCENARIOS[name], "simulated", options)
    return verdict.succeeded, verdict.broken


def test_a_clock_that_is_put_back_keeps_nothing_waiting() -> None:
    require(COMPILER)
    assert outcome_of("clock-back") == (PULLS, [])


def test_a_full_disk_of_the_home_loses_nothing() -> None:
    try:
        outcome = outcome_of("disk-home")
    except MissingComponent as error:  # a container may not mount
        pytest.skip(str(error))
    assert outcome == (PULLS, [])
