"""The named scenarios: a fault, what it needs of the machine, and what it allows for."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from chaos import faults
from chaos.clock import SettableClock
from chaos.faults import Fault
from chaos.full_disks import home_fills, models_fill, unseen_models_fill
from chaos.playing import Scenario, play, upstream_of
from chaos.stage import Options, Stage, running_stage
from chaos.verdict import Expected, Verdict

HOUR = 3600
# What a kill of Ollama's costs: the layers that were not whole.
AGAIN = Expected(sent_share=2.0)


def after_fault(fault: Fault, expected: Expected | None = None) -> Scenario:
    """A fault without needs of its own."""

    def perform(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
        with (
            upstream_of(kind, folder) as upstream,
            running_stage(upstream, folder, options) as stage,
        ):
            return play(stage, fault, expected or Expected(), options.pulls)

    return Scenario(fault.__name__, _sentence(fault), perform)


def clock_jump(name: str, about: str, shift: int) -> Scenario:
    """The panel's clock is set while it works."""

    def perform(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
        clock = SettableClock(folder)

        def jump(stage: Stage) -> None:
            clock.set(shift)
            # Long enough for leases to end by the old clock, and for every look to be due again.
            time.sleep(options.hold)
            stage.clock_shift = shift
            stage.kill("worker")

        with (
            upstream_of(kind, folder) as upstream,
            running_stage(upstream, folder, options, clock.prepare) as stage,
        ):
            return play(stage, jump, Expected(), options.pulls)

    return Scenario(name, about, perform)


def run_scenario(
    scenario: Scenario, kind: str, options: Options
) -> tuple[Verdict, list[str], float]:
    """Run one in folders of its own; returns the verdict, the notes and the seconds."""
    begun = time.monotonic()
    # Short, since the path of a unix socket is.
    with TemporaryDirectory(prefix="octl-", ignore_cleanup_errors=True) as folder:
        verdict, notes = scenario.perform(kind, Path(folder), options)
    return verdict, notes, time.monotonic() - begun


def _sentence(fault: Fault) -> str:
    return (fault.__doc__ or "").strip().splitlines()[0]


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        after_fault(faults.worker),
        after_fault(faults.web),
        after_fault(faults.valkey),
        after_fault(faults.children),
        after_fault(faults.supervisor),
        after_fault(faults.flush),
        after_fault(faults.ollama, AGAIN),
        after_fault(faults.registry, AGAIN),
        after_fault(faults.machine, AGAIN),
        clock_jump("clock-forward", "The clock is put forward by an hour.", HOUR),
        clock_jump("clock-back", "The clock is put back by an hour.", -HOUR),
        Scenario("disk-home", "The disk of the home folder is full for 15 s.", home_fills),
        Scenario("disk-models", "Another program fills the disk of Ollama's models.", models_fill),
        Scenario(
            "disk-unseen",
            "The disk of an Ollama is full, which the panel cannot see.",
            unseen_models_fill,
        ),
        after_fault(faults.log),
        after_fault(faults.locked),
        after_fault(faults.several, Expected(sent_share=4.0, leases=False)),
    )
}
