"""When the web process is back everybody comes at once, and everybody is told how things stand."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin

from tests.components.loopback import PLAIN
from tests.helpers.valkey import ValkeyProcess
from tests.socket.conftest import NewUser, WebProcess

pytestmark = pytest.mark.alone

USERS, SOCKETS_EACH = 5, 20
SECONDS = 60.0  # only tells late from never, on a machine that does other things too


async def stay_connected(web: WebProcess, session: str, snapshots: asyncio.Queue[None]) -> None:
    """Subscribe, report each snapshot, and come back at once after a loss, as often as it takes."""
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
    url, origin = f"ws://{web.address}/ws/v1/events/", Origin(f"http://{web.address}")
    while True:
        try:
            async with connect(
                url, additional_headers=headers, origin=origin, proxy=None, close_timeout=1
            ) as socket:
                await socket.send('{"type": "subscribe", "topics": ["models", "tasks"]}')
                while True:
                    if json.loads(await socket.recv())["type"] == "snapshot":
                        snapshots.put_nowait(None)
        except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
            await asyncio.sleep(0.05)


async def take(snapshots: asyncio.Queue[None], count: int) -> None:
    async with asyncio.timeout(SECONDS):
        for _number in range(count):
            await snapshots.get()


def test_all_are_back_and_pages_answer_meanwhile(
    transactional_db: None,
    valkey: ValkeyProcess,
    tmp_path: Path,
    new_user: NewUser,
    browser_of: Any,
) -> None:
    web = WebProcess(valkey.url, tmp_path / "web.log")
    web.start()
    sessions = [
        browser_of(new_user(f"user{number}")).cookies[settings.SESSION_COOKIE_NAME].value
        for number in range(USERS)
    ]
    count = USERS * SOCKETS_EACH

    async def storm() -> float:
        snapshots: asyncio.Queue[None] = asyncio.Queue()
        waiting = [
            asyncio.create_task(stay_connected(web, session, snapshots))
            for session in sessions * SOCKETS_EACH
        ]
        await take(snapshots, 2 * count)
        await asyncio.to_thread(web.stop, signal.SIGKILL)
        await asyncio.to_thread(web.start)
        begun = time.perf_counter()
        async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=SECONDS) as visitor:
            assert (await visitor.get(f"http://{web.address}/login/")).status_code == 200
        answered = time.perf_counter() - begun
        await take(snapshots, 2 * count)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return answered

    try:
        assert asyncio.run(storm()) < SECONDS
        assert "Traceback" not in web.log.read_text()
    finally:
        web.stop()
