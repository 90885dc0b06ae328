"""What sockets share: one reading of a snapshot, one queue each, and who is looked at when."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from tasks_app import live
from tasks_app.sockets.snapshots import SharedSnapshots
from tasks_app.sockets.socket import LONGEST_QUEUE, Socket


class Counter:
    """A topic whose snapshot is a number that grows, and that can be held up."""

    def __init__(self) -> None:
        self.readings = 0
        self.version = 0
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Event()

    def __call__(self, number: int | None) -> dict[str, Any]:
        self.readings += 1
        version = self.version
        self.began.set()
        assert self.go.wait(10)
        return {"version": version}


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr(live, "_kinds", dict(live._kinds))
    live.register_topic("counters", permission="x.y", snapshot=counter, takes_id=False)
    return counter


def version(snapshot: str) -> int:
    return int(json.loads(snapshot)["data"]["version"])


@pytest.mark.django_db(transaction=True)
async def test_many_who_ask_at_once_share_one_reading(counter: Counter) -> None:
    snapshots = SharedSnapshots()
    found = await asyncio.gather(*(snapshots.get("counters") for _ in range(1000)))
    assert counter.readings == 1
    assert len(set(found)) == 1


@pytest.mark.django_db(transaction=True)
async def test_who_asks_while_it_is_read_gets_a_later_state(counter: Counter) -> None:
    snapshots = SharedSnapshots()
    counter.go.clear()
    early = asyncio.create_task(snapshots.get("counters"))
    await asyncio.to_thread(counter.began.wait, 10)
    counter.version = 1
    late = [asyncio.create_task(snapshots.get("counters")) for _ in range(10)]
    await asyncio.sleep(0)
    counter.go.set()
    assert version(await early) == 0
    assert {version(snapshot) for snapshot in await asyncio.gather(*late)} == {1}
    assert counter.readings == 2


@pytest.mark.django_db(transaction=True)
async def test_a_reading_that_fails_does_not_stop_the_next(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int | None) -> dict[str, Any]:
        raise RuntimeError("no database")

    snapshots = SharedSnapshots()
    live.register_topic("counters", permission="x.y", snapshot=fail, takes_id=False)
    failed = await asyncio.gather(
        *(snapshots.get("counters") for _ in range(3)), return_exceptions=True
    )
    assert [str(error) for error in failed] == ["no database"] * 3
    live.register_topic("counters", permission="x.y", snapshot=counter, takes_id=False)
    assert version(await snapshots.get("counters")) == 0


async def test_one_who_gives_up_does_not_take_the_reading_from_the_others(
    counter: Counter, transactional_db: None
) -> None:
    snapshots = SharedSnapshots()
    impatient = asyncio.create_task(snapshots.get("counters"))
    patient = asyncio.create_task(snapshots.get("counters"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert version(await patient) == 0


class Client:
    """The other end of a socket, which takes messages only when told to."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.takes = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await self.takes.wait()
        self.taken.append(message)


async def test_a_queue_that_is_full_closes_with_4408() -> None:
    client = Client()
    socket = Socket(client.send)
    writer = asyncio.create_task(socket.write())
    await asyncio.sleep(0)
    for number in range(LONGEST_QUEUE + 10):
        socket.offer(str(number))
    await asyncio.wait_for(writer, 5)
    assert client.taken == [{"type": "websocket.close", "code": 4408}]


async def test_what_was_said_before_a_close_is_sent_first() -> None:
    client = Client()
    client.takes.set()
    socket = Socket(client.send)
    for number in range(3):
        socket.offer(str(number))
    socket.close(4403)
    socket.offer("too late")
    await asyncio.wait_for(socket.write(), 5)
    assert [message.get("text") for message in client.taken] == ["0", "1", "2", None]
    assert client.taken[-1]["code"] == 4403


async def test_a_close_does_not_wait_long_for_a_client_that_takes_nothing() -> None:
    client = Client()
    socket = Socket(client.send)
    writer = asyncio.create_task(socket.write())
    socket.offer("unread")
    await asyncio.sleep(0)
    socket.close(4429)
    await asyncio.wait_for(writer, 5)
    assert client.taken == [{"type": "websocket.close", "code": 4429}]
