"""One thing at a time on a server, by all workers of a home."""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO
from weakref import WeakKeyDictionary

from django.conf import settings

logger = logging.getLogger(__name__)

LOOKS_S = 0.02
"""How often one looks whether another worker has ended."""
_Turns = dict[int, asyncio.Lock]
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()


@asynccontextmanager
async def turn_of(server_id: int, work: str) -> AsyncIterator[None]:
    """Wait until nobody else does this `work` on the server, in this process or another one.

    Other processes are kept apart by a lock on a file below the home, which the kernel lets go of
    with whoever holds it; workers with another home are not.
    """
    turns = _turns.setdefault(asyncio.get_running_loop(), {})
    async with turns.setdefault(server_id, asyncio.Lock()):
        file = _opened(f"{work}-{server_id}")
        if file is None:
            yield
            return
        with file:
            while not _lock(file):  # noqa: ASYNC110 - another process has it
                await asyncio.sleep(LOOKS_S)  # the kernel tells nobody
            yield


def _opened(name: str) -> IO[str] | None:
    path = Path(settings.HOME) / "turns" / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("w")
    except OSError as error:  # a full disk is no reason to delete nothing
        logger.warning("Other workers are not waited for: %s", error)
        return None


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
