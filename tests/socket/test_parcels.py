"""A round is joined once for all who hear the same of it, and each socket takes it whole."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from tasks_app.publisher import PROGRESS
from tasks_app.sockets.rounds import Parcel, Round
from tasks_app.sockets.socket import LONGEST_QUEUE, Socket
from tests.socket.test_sharing import Client


def event(type: str, subject: str, seq: int, *topics: str) -> dict[str, Any]:
    message = {"type": type, "seq": seq, "ts": "2025-01-01T00:00:00Z", "subject": subject}
    return {
        "text": json.dumps({**message, "data": {"done": seq}}),
        "topics": list(topics),
        "progress_of": subject if type == PROGRESS else "",
    }


def progress(task: int, seq: int) -> dict[str, Any]:
    return event("task.progress", f"task:{task}", seq, "tasks", f"task:{task}")


def subjects(parcel: Parcel | None) -> list[str]:
    return [json.loads(message.text)["subject"] for message in parcel.messages] if parcel else []


def parcel_of(*events: dict[str, Any]) -> Parcel:
    parcel = Round(events).parcel_for(frozenset({"tasks"}))
    assert parcel is not None
    return parcel


def test_who_hears_the_same_gets_the_same_bytes() -> None:
    round = Round([progress(1, 1), progress(2, 1), event("notice", "user:7", 1, "user:7")])
    seven = round.parcel_for(frozenset({"tasks", "user:7"}))
    eight = round.parcel_for(frozenset({"tasks", "user:8"}))
    nine = round.parcel_for(frozenset({"tasks", "task:1", "user:9"}))
    assert subjects(seven) == ["task:1", "task:2", "user:7"]
    assert subjects(nine) == subjects(eight) == ["task:1", "task:2"]
    assert eight is round.parcel_for(frozenset({"tasks", "user:10"}))
    assert eight is not None
    assert eight.data == b"".join(message.frame for message in eight.messages)
    assert round.parcel_for(frozenset({"servers", "user:8"})) is None


def test_an_event_that_is_not_whole_is_left_out() -> None:
    assert subjects(parcel_of({"text": "{}"}, progress(1, 1))) == ["task:1"]


class Protocol:
    """What Daphne knows of a client: `room` bytes are taken at once, the rest when it is `read`."""

    STATE_OPEN = state = 3
    _perMessageCompress = None  # noqa: N815 - Autobahn's name

    def __init__(self, room: int) -> None:
        self.transport = self
        self.room = room
        self.taken: list[bytes] = []
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []
        self.connected, self.disconnecting, self.producerPaused = True, False, False
        self.producer: Any = None

    def unregisterProducer(self) -> None:  # noqa: N802 - Twisted's name
        pass

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802
        self.producer = producer

    def writeSomeData(self, data: bytes) -> int:  # noqa: N802
        part = data[: self.room]
        self.room -= len(part)
        self.taken.append(part)
        return len(part)

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)

    sendData = write  # noqa: N815

    def read(self) -> None:
        self.room = 1_000_000
        self.taken += self._tempDataBuffer
        self._tempDataBuffer = []
        if self.producerPaused:
            self.producerPaused = False
            self.producer.resumeProducing()

    async def reply(self, message: dict[str, Any]) -> None:
        self.taken.append(str(message.get("code")).encode())


async def handle_reply(protocol: Protocol, message: dict[str, Any]) -> None:
    await protocol.reply(message)


def socket_of(protocol: Protocol) -> Socket:
    return Socket(partial(handle_reply, protocol))


async def test_who_takes_it_gets_a_round_in_one_piece_and_at_once() -> None:
    protocol = Protocol(room=1_000_000)
    socket = socket_of(protocol)
    parcels = [parcel_of(progress(1, seq), progress(2, seq)) for seq in range(3)]
    for parcel in parcels:
        socket.take(parcel)
    assert protocol.taken == [parcel.data for parcel in parcels]


async def test_for_who_takes_nothing_the_newest_waits_and_each_change() -> None:
    protocol = Protocol(room=10)
    socket = socket_of(protocol)
    writer = asyncio.create_task(socket.write())
    first = parcel_of(progress(1, 0))
    socket.take(first)
    for seq in range(1, 2 * LONGEST_QUEUE):
        socket.take(parcel_of(progress(1, seq), progress(2, seq)))
        if seq % 500 == 0:
            socket.take(parcel_of(event("task.changed", "task:1", seq, "tasks")))
    await asyncio.sleep(0)
    assert b"".join(protocol.taken) == first.data[:10]
    protocol.read()
    while len(protocol.taken) < 3:
        await asyncio.sleep(0)
    changes = [event("task.changed", "task:1", seq, "tasks") for seq in (500, 1000, 1500)]
    last = [progress(task, 2 * LONGEST_QUEUE - 1) for task in (1, 2)]
    assert b"".join(protocol.taken) == first.data + parcel_of(*changes, *last).data
    socket.drop(4401)
    await asyncio.wait_for(writer, 5)


async def test_under_another_server_the_newest_waits_too() -> None:
    client = Client()
    socket = Socket(client.send)
    writer = asyncio.create_task(socket.write())
    for seq in range(2 * LONGEST_QUEUE):
        socket.take(parcel_of(progress(1, seq)))
    client.takes.set()
    while not client.taken:
        await asyncio.sleep(0)
    assert [json.loads(message["text"])["seq"] for message in client.taken] == [
        2 * LONGEST_QUEUE - 1
    ]
    socket.close(4401)
    await asyncio.wait_for(writer, 5)
