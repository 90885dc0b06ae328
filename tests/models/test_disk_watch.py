"""The watch over the disk of a download ends when it is told to, whatever happens just then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from models_app.resources.watch import watch_disk


async def test_it_ends_though_the_disk_answers_in_that_moment(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.DISK_WATCH_SECONDS = 0
    loop, answers = asyncio.get_running_loop(), []

    def look(_pool: object, _gauge: object) -> asyncio.Future[int]:
        answers.append(loop.create_future())
        return answers[-1]

    monkeypatch.setattr(loop, "run_in_executor", look)
    watch = asyncio.create_task(watch_disk(lambda: None, kept=0, left=lambda: 1))
    while not answers:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    answers[0].set_result(10_000_000_000)
    watch.cancel()
    done, _pending = await asyncio.wait({watch}, timeout=2)
    assert done == {watch}
    assert watch.cancelled()
