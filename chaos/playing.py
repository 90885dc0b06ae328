"""What scenarios are made of: an Ollama, pulls in their middle, a fault, a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.faults import Fault
from chaos.stage import Options, Stage, somebody_watching
from chaos.upstream import Upstream, real_upstream, simulated_upstream
from chaos.verdict import Expected, Verdict, judge

Perform = Callable[[str, Path, Options], tuple[Verdict, list[str]]]


@dataclass(frozen=True)
class Scenario:
    """`about` is one sentence; `perform` runs it."""

    name: str
    about: str
    perform: Perform


def play(stage: Stage, fault: Fault, expected: Expected, pulls: int) -> tuple[Verdict, list[str]]:
    """The pulls, the fault in their middle, the end, the verdict; and what is to be noted."""
    stage.pull_all(pulls)
    with somebody_watching(stage):
        fault(stage)
        stage.finish()
        return judge(stage, expected), stage.notes


@contextmanager
def upstream_of(kind: str, folder: Path) -> Iterator[Upstream]:
    """`real` or `simulated`."""
    make = real_upstream if kind == "real" else simulated_upstream
    with make(folder) as upstream:
        yield upstream
