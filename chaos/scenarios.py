"""The named scenarios: a fault, what it needs of the machine, and what it allows for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chaos import faults
from chaos.clock import SettableClock
from chaos.disk import small_disk
from chaos.faults import Fault
from chaos.stage import END_SECONDS, Options, Stage, running_stage, somebody_watching
from chaos.upstream import Upstream, real_upstream, simulated_upstream
from chaos.verdict import Expected, Verdict, judge

HOUR = 3600
# What a kill of Ollama's costs: the layers that were not whole.
AGAIN = Expected(sent_share=2.0)
Perform = Callable[[str, Path, Options], tuple[Verdict, list[str]]]


@dataclass(frozen=True)
class Scenario:
    """`about` is one sentence; `perform` runs it."""

    name: str
    about: str
    perform: Perform


def after_fault(fault: Fault, expected: Expected | None = None) -> Scenario:
    """A fault without needs of its own."""

    def perform(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
        with (
            upstream_of(kind, folder) as upstream,
            running_stage(upstream, folder, options) as stage,
        ):
            return play(stage, fault, expected or Expected(), options.pulls)

    return Scenario(fault.__name__, _sentence(fault), perform)


def play(stage: Stage, fault: Fault, expected: Expected, pulls: int) -> tuple[Verdict, list[str]]:
    """The pulls, the fault in their middle, the end, the verdict; and what is to be noted."""
    stage.pull_all(pulls)
    with somebody_watching(stage):
        fault(stage)
        stage.finish()
        return judge(stage, expected), stage.notes


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


def _home_fills(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
    with small_disk(folder / "disk", 80) as disk:

        def fill(stage: Stage) -> None:
            disk.fill()
            time.sleep(options.hold)
            disk.free()

        with (
            upstream_of(kind, folder) as upstream,
            running_stage(upstream, folder, options, home=disk.folder / "h") as stage,
        ):
            return play(stage, fill, Expected(), options.pulls)


def _models_fill(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
    """Every pull fails with a sentence about the disk; once there is room a retry succeeds."""
    with (
        small_disk(folder / "ollama" / "models", 200) as disk,
        upstream_of(kind, folder) as upstream,
        running_stage(upstream, folder, options) as stage,
    ):
        stage.pull_all(options.pulls)
        with somebody_watching(stage):
            disk.fill()
            stage.finish()
            verdict = judge(stage, Expected(state="failed", sent_share=2.0))
            details = {row["error"]["detail"] for row in stage.rows() if row["error"]}
            stage.notes.append(f"said: {sorted(details)[:2]}")
            disk.free()
            for task in stage.tasks.values():
                stage.api.post(f"tasks/{task}/retry/")
            stage.wait(stage.have_ended, "the retries have ended", END_SECONDS)
            verdict.succeeded = sum(row["state"] == "succeeded" for row in stage.rows())
            if verdict.succeeded != options.pulls:
                verdict.broken.append(
                    f"{options.pulls - verdict.succeeded} retries did not succeed"
                )
            return verdict, stage.notes


@contextmanager
def upstream_of(kind: str, folder: Path) -> Iterator[Upstream]:
    """`real` or `simulated`."""
    make = real_upstream if kind == "real" else simulated_upstream
    with make(folder) as upstream:
        yield upstream


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
        Scenario("disk-home", "The disk of the home folder is full for 15 s.", _home_fills),
        Scenario("disk-models", "The disk of Ollama's models is full.", _models_fill),
        after_fault(faults.log),
        after_fault(faults.locked),
        after_fault(faults.several, Expected(sent_share=4.0, leases=False)),
    )
}
