"""The bar of a pull never goes back, and its rate is that of what really comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any, cast

import pytest

from models_app.download import Download
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import StreamCut
from models_app.ollama.names import ModelName
from models_app.ollama.types import PullLine
from ollamactl.simulator.running import RunningSimulator
from tasks_app.models import Task
from tasks_app.runners import Run, TaskFailed
from tests.helpers.valkey import ValkeyProcess
from tests.models.conftest import MB, Engine, Panel
from tests.tasks.ear import Ear

LAYER = "sha256:" + "a" * 64
TOTAL = 1000 * MB


class Noted:
    """A run that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def log(self, line: str) -> None:
        pass

    def progress(self, **news: Any) -> None:
        self.told.append(news)


class Served:
    """A client whose pulls answer these lines, one list a post; an error in a list is raised."""

    def __init__(self, *posts: Sequence[PullLine | Exception]) -> None:
        self.posts = list(posts)

    async def pull(self, name: ModelName, *, insecure: bool) -> AsyncGenerator[PullLine, None]:
        for line in self.posts.pop(0):
            if isinstance(line, Exception):
                raise line
            yield line


class Clock:
    """A clock of which each look is `step` seconds later."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 100.0, step

    def monotonic(self) -> float:
        self.now += self.step
        return self.now


def bytes_at(completed: int) -> PullLine:
    return PullLine(f"pulling {LAYER[7:19]}", LAYER, TOTAL, completed)


def download(run: Noted, client: Served, reached: tuple[int | None, int | None]) -> Download:
    return Download(
        cast(Run, run),
        cast(OllamaClient, client),
        ModelName.parse("x"),
        layers={LAYER: TOTAL},
        insecure=False,
        reached=reached,
    )


def finish(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_resumed_bytes_are_in_the_bar_and_not_in_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models_app.download.time", Clock(step=0.05))  # two looks a line
    run = Noted()
    there, rate = 600 * MB, 10 * MB
    steps = [bytes_at(there + step * rate // 10) for step in range(60)]
    lines = [PullLine("pulling manifest"), *steps, PullLine("success")]
    finish(download(run, Served([*lines]), (None, None)).finish())

    rates = [news["rate"] for news in run.told]
    assert max(rates) <= rate * 1.1
    assert rates[40] == pytest.approx(rate, rel=0.1)
    assert run.told[1]["done"] == there


def test_a_new_attempt_goes_on_where_the_bar_stood() -> None:
    run = Noted()
    lines = [PullLine("pulling manifest"), bytes_at(0), bytes_at(700 * MB), PullLine("success")]
    finish(download(run, Served([*lines]), (600 * MB, TOTAL)).finish())
    assert [news["done"] for news in run.told] == [600 * MB, 600 * MB, 700 * MB, TOTAL]
    assert {news["total"] for news in run.told} == {TOTAL}


def test_a_second_post_does_not_move_the_bar_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models_app.download.PAUSE_SECONDS", 0)
    run = Noted()
    client = Served(
        [PullLine("pulling manifest"), bytes_at(0), bytes_at(500 * MB), StreamCut("cut")],
        [PullLine("pulling manifest"), bytes_at(480 * MB), PullLine("success")],
    )
    finish(download(run, client, (None, None)).finish())
    done = [news["done"] for news in run.told]
    assert done == sorted(done)
    assert done[-1] == TOTAL


def test_posts_that_bring_next_to_nothing_end_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models_app.download.PAUSE_SECONDS", 0)
    posts: list[list[PullLine | Exception]] = [
        [bytes_at(number * 1000), StreamCut("cut")] for number in range(10)
    ]
    client = Served(*posts)
    with pytest.raises(StreamCut):
        finish(download(Noted(), client, (None, None)).finish())
    assert len(client.posts) == 9


def test_lines_without_bytes_end_the_attempt(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("models_app.download.time", Clock(step=1.0))
    settings.STALL_SECONDS = 10.0
    client = Served(*[[bytes_at(5 * MB) for _ in range(100)] for _ in range(10)])
    with pytest.raises(TaskFailed) as stalled:
        finish(download(Noted(), client, (None, None)).finish())
    assert (stalled.value.code, stalled.value.retryable) == ("stalled", True)


def test_what_people_see_of_a_pull_that_is_paused_cut_and_resumed(
    panel: Panel, engine: Engine, simulator: RunningSimulator, valkey: ValkeyProcess
) -> None:
    """All events of one task, over all its attempts: its bar grows and its rate is a real one."""
    from audit_app.actors import SYSTEM
    from models_app.services import lifecycle

    ear = Ear(valkey.url)
    simulator.control.publish("watched", 60 * MB)
    simulator.control.speed(10 * MB)
    pull = panel.pull("watched")
    panel.wait_for_bytes(pull.task, 15 * MB)
    lifecycle.pause_pull(actor=SYSTEM, model=panel.model("watched"))
    panel.wait(pull.task, "paused")
    assert panel.model("watched").status == "paused"
    simulator.control.fault("cut", at_bytes=30 * MB, count=1)
    lifecycle.resume_pull(actor=SYSTEM, model=panel.model("watched"))
    task: Task = panel.wait(pull.task)
    ear.wait_for("task.changed", id=task.pk, state="succeeded")
    ear.close()

    told = [
        event["data"].get("progress") or event["data"]
        for event in ear.events
        if event["subject"] == f"task:{task.pk}" and event["type"] != "task.log"
    ]
    done = [progress["done"] for progress in told if progress["done"] is not None]
    assert done == sorted(done)
    assert done[-1] == task.total
    assert len({progress["total"] for progress in told if progress["total"] is not None}) == 1
    assert max(progress["rate"] or 0 for progress in told) < 20 * MB
