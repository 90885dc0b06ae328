"""What has to be true after a fault, whatever it was: the promises of docs/reliability.md."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from chaos.clock import by_the_machines_clock
from chaos.history import ENDED, Change
from chaos.stage import Death, Stage
from chaos.upstream import MODEL, PROJECT
from tests.components.waiting import wait_until

LEASE_SECONDS = 5.0
"""On a machine with nothing else to do: most of it is the start of the next worker."""
PAGE_SECONDS = 20.0
STATUSES = {"succeeded": "stopped", "paused": "paused", "failed": "error"}
"""What a model shows whose pull rests in a state."""


@dataclass
class Verdict:
    """`broken` has a sentence for each promise that was not kept."""

    pulls: int = 0
    succeeded: int = 0
    taken_back_s: float | None = None
    """From the worker's death until the last of its tasks was in the queue again."""
    sent_share: float | None = None
    """Bytes that the registry sent, of those of all models."""
    broken: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Its figures and sentences."""
        return asdict(self)


@dataclass(frozen=True)
class Expected:
    """What a scenario's fault allows for. `sent_share`: bytes sent, of those of all models."""

    sent_share: float = 1.25
    state: str = "succeeded"
    leases: bool = True


def judge(stage: Stage, expected: Expected) -> Verdict:
    """Check every promise once all pulls have ended. Times are multiplied by the patience."""
    rows, changes = stage.rows(), stage.history.changes()
    verdict = Verdict(len(stage.tasks), sum(row["state"] == "succeeded" for row in rows))
    verdict.broken += _ends(stage, changes)
    verdict.broken += judge_rest(stage, expected.state)
    if expected.leases and stage.death is not None:
        verdict.taken_back_s = taken_back(changes, stage.death)
        if (
            verdict.taken_back_s is not None
            and verdict.taken_back_s > LEASE_SECONDS * stage.patience
        ):
            verdict.broken.append(
                f"the dead worker's tasks were back after {verdict.taken_back_s:.1f} s"
            )
    sent = stage.upstream.sent()
    if sent is not None:
        verdict.sent_share = sent / (MODEL * len(stage.tasks))
        if verdict.sent_share > expected.sent_share:
            verdict.broken.append(f"{verdict.sent_share:.2f} of all bytes came over the line")
    return verdict


def judge_rest(stage: Stage, state: str) -> Iterator[str]:
    """Check that all rows and the page agree, now that every pull rests in `state`."""
    yield from _rows_of(stage.rows(), stage, state)
    yield from _models(stage, state)
    yield from doctor_complaints(stage)
    yield from _page(stage)


def taken_back(changes: list[Change], death: Death) -> float | None:
    """Seconds from a worker's death until the last of what it was at was queued again.

    By the order of the changes: times go back where a clock is put back.
    """
    before, after = changes[: death.changes], changes[death.changes :]
    states = {change.task: change.new for change in before}
    first: dict[int, float] = {}
    for change in after:
        if states.get(change.task) == change.old == "running":
            first.setdefault(change.task, change.at)
    return max(first.values()) - death.at if first else None


def _ends(stage: Stage, changes: list[Change]) -> Iterator[str]:
    ends = Counter(change.task for change in changes if change.new in ENDED)
    for name, task in stage.tasks.items():
        if ends[task] != 1:
            yield f"the pull of {name} has ended {ends[task]} times"
    strange = {change.task for change in changes if change.old in ENDED} & {*stage.tasks.values()}
    for task in strange:
        yield f"task {task} went on after its end"


def _rows_of(rows: list[dict[str, Any]], stage: Stage, state: str) -> Iterator[str]:
    if len(rows) != len(stage.tasks):
        yield f"{len(stage.tasks) - len(rows)} tasks are lost"
    for row in rows:
        if row["state"] != state:
            yield f"task {row['id']} is {row['state']}: {row['error']}"
    for model, count in Counter(row["resource_id"] for row in rows).items():
        if count != 1:
            yield f"model {model} has {count} pulls"


def _models(stage: Stage, state: str) -> Iterator[str]:
    installed = stage.upstream.installed()
    for name in stage.tasks:
        if installed[name] != (state == "succeeded"):
            yield f"{name} is installed {installed[name]} times"
    statuses = {row["name"]: row["status"] for row in stage.api.all("models/")}
    for name in stage.tasks:
        if statuses.get(name) != STATUSES[state]:
            yield f"{name} is {statuses.get(name)} in the panel"


def doctor_complaints(stage: Stage) -> Iterator[str]:
    """What `ollamactl doctor` says of the rows."""
    done = subprocess.run(
        [sys.executable, "-m", "ollamactl", "doctor", "--json"],
        cwd=PROJECT,
        env=by_the_machines_clock(stage.panel.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    findings = {found["name"]: found for found in json.loads(done.stdout)}
    if not findings["rows"]["ok"]:
        yield f"doctor: {findings['rows']['found']}"


def _page(stage: Stage) -> Iterator[str]:
    page = stage.page
    if page is None:
        return
    said: dict[int, str] = {}

    def agrees() -> bool:
        nonlocal said
        said = {row["id"]: row["status"] for row in stage.api.all("models/")}
        return page.badges() == said

    try:
        wait_until(agrees, "the page shows what the API says", PAGE_SECONDS * stage.patience)
    except AssertionError:
        shown = page.badges()
        wrong = {number: (shown.get(number), text) for number, text in said.items()}
        different = {number: pair for number, pair in wrong.items() if pair[0] != pair[1]}
        yield f"the page shows {len(different)} models wrongly: {dict(list(different.items())[:3])}"
    if page.was_reloaded():
        yield "the page was loaded again"
