"""One deletion at a time on a server, by all workers of a home."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models_app.runners.turns import turn_of

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
Kill = Callable[[], None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    """A home of the test's own."""
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture
def other_worker(home: Path) -> Iterator[Kill]:
    """Another process that deletes on the server 7 until it is killed."""
    (home / "turns").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home / "turns" / "deletion-7")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process.kill
        process.kill()


async def take(server: int) -> None:
    async with asyncio.timeout(10), turn_of(server, "deletion"):
        return


async def test_a_process_has_one_at_a_time_on_a_server() -> None:
    order: list[str] = []

    async def delete(server: int, name: str) -> None:
        async with turn_of(server, "deletion"):
            order.append(f"begin {name}")
            await asyncio.sleep(0)
            order.append(f"end {name}")

    await asyncio.gather(delete(1, "a"), delete(1, "b"), delete(2, "c"))
    assert order.index("end a") < order.index("begin b")
    assert order.index("begin c") < order.index("end a")


async def test_another_process_is_waited_for_even_where_it_is_killed(other_worker: Kill) -> None:
    waiting = asyncio.ensure_future(take(7))
    await take(8)  # on another server nobody waits
    assert not waiting.done()
    other_worker()
    await waiting


async def test_who_is_cancelled_while_waiting_leaves_no_lock(other_worker: Kill) -> None:
    waiting = asyncio.ensure_future(take(7))
    await take(8)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    other_worker()
    await take(7)


async def test_where_no_lock_can_be_made_the_work_goes_on(home: Path) -> None:
    (home / "turns").touch()
    await take(7)
