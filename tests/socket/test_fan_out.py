"""One event reaches many sockets, each once and in order."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from redis import Redis
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tasks_app.publisher import Event, publisher
from tests.helpers.valkey import ValkeyProcess
from tests.socket.conftest import NewUser, Open

SOCKETS, EVENTS = 200, 20


async def listen(panel: str, session: str, ready: asyncio.Event) -> tuple[list[int], list[float]]:
    """Hear all events: their numbers, and the seconds that each took to come."""
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
    origin = Origin(f"http://{panel}")
    numbers: list[int] = []
    delays: list[float] = []
    async with connect(
        f"ws://{panel}/ws/v1/events/", additional_headers=headers, origin=origin, proxy=None
    ) as connection:
        await connection.send('{"type": "subscribe", "topics": ["models"]}')
        while len(numbers) < EVENTS:
            message = json.loads(await connection.recv())
            if message["type"] == "snapshot":
                ready.set()
            elif message["type"] == "model.changed":
                numbers.append(message["data"]["number"])
                delays.append(time.time() - message["data"]["sent"])
    return numbers, delays


def send(number: int) -> None:
    data = {"id": 1, "number": number, "sent": time.time()}
    publisher().send(Event("model.changed", "model:1", number, data, ("models",)))


def test_two_hundred_sockets_hear_the_same(panel: str, new_user: NewUser, browser_of: Any) -> None:
    sessions = []
    for number in range(10):
        client = browser_of(new_user(f"user{number}"))
        sessions += [client.cookies[settings.SESSION_COOKIE_NAME].value] * 20

    async def scenario() -> list[tuple[list[int], list[float]]]:
        ready = [asyncio.Event() for _ in sessions]
        tasks = [
            asyncio.create_task(listen(panel, session, event))
            for session, event in zip(sessions, ready, strict=True)
        ]
        await asyncio.gather(*(asyncio.wait_for(event.wait(), 30) for event in ready))
        for number in range(EVENTS):
            send(number)
        return await asyncio.wait_for(asyncio.gather(*tasks), 30)

    heard = async_to_sync(scenario)()
    assert len(heard) == SOCKETS
    assert all(numbers == list(range(EVENTS)) for numbers, _ in heard)
    delays = sorted(delay for _, each in heard for delay in each)
    print(f"p50 {delays[len(delays) // 2]:.3f} s, p99 {delays[len(delays) * 99 // 100]:.3f} s")
    assert delays[-1] < 10


def test_a_process_has_one_subscription_whoever_comes_and_goes(
    open_socket: Open, valkey: ValkeyProcess, new_user: NewUser, browser_of: Any
) -> None:
    client = browser_of(new_user())
    for _ in range(30):
        open_socket(client).close()
    last = open_socket(client)
    last.subscribe("models")
    last.next("snapshot")
    with Redis.from_url(valkey.url) as redis:
        assert redis.pubsub_numsub("ollamactl__group__events") == [(b"ollamactl__group__events", 1)]
