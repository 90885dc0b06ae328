"""Many sockets in a process of their own: they do not keep the one that measures from its work.

`listen` starts the process: it reads one line of JSON (`url`, `tokens`, `sockets`), says `ready`,
and at the end of its input answers which numbers each socket heard of and when.

A thousand browsers are a thousand machines; here they are one process beside the panel. So a piece
that comes is noted with its moment and read after the measurement: a piece that many sockets got
is kept once. What the listeners used of a core is in the answer: near a whole one, they were slow.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from urllib.parse import urlsplit

from bench.stack import PROJECT
from tests.components.launching import ending_with_us

Heard = list[tuple[int, float]]
"""`done` of each event about progress, and when (`time.time()`) it was there."""

OPENED_AT_ONCE = 20
ANSWER_SECONDS = 120
# The server closes who answers none of its pings; any message of a client is an answer.
SIGN_OF_LIFE_SECONDS = 15
LARGEST_PIECE = 256 * 1024


@dataclass(frozen=True)
class Answer:
    """What was heard: for each socket the numbers of a piece (by its place) and its moment."""

    numbers: list[list[int]]
    sockets: list[list[tuple[int, float]]]
    of_a_core: float

    def heard(self) -> Iterator[Heard]:
        """Socket by socket, since all at once are millions."""
        for pieces in self.sockets:
            yield [(done, moment) for place, moment in pieces for done in self.numbers[place]]


@contextmanager
def listen(url: str, tokens: list[str], sockets: int) -> Iterator[Callable[[], Answer]]:
    """So many sockets, spread over the tokens' users; call what this yields to end them."""
    process = subprocess.Popen(
        ending_with_us([sys.executable, "-m", "bench.listeners"]),
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def end() -> Answer:
        answer, _nothing = process.communicate(timeout=ANSWER_SECONDS)
        return Answer(**json.loads(answer))

    try:
        _send(process, {"url": url, "tokens": tokens, "sockets": sockets})
        yield end
    finally:
        process.kill()
        process.wait(10)


def _send(process: subprocess.Popen[str], order: object) -> None:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipe to the listeners")
    process.stdin.write(f"{json.dumps(order)}\n")
    process.stdin.flush()
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError("the listeners were not let in")


class Listener(asyncio.BufferedProtocol):
    """One socket. What comes is noted, not read."""

    _room = memoryview(bytearray(LARGEST_PIECE))  # emptied before another socket may use it
    _kept: dict[bytes, bytes] = {}

    def __init__(self) -> None:
        self.pieces: list[tuple[float, bytes]] = []
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where messages go."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """The same for all."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Note a piece."""
        moment = time.time()
        piece = bytes(self._room[:nbytes])
        self.pieces.append((moment, self._kept.setdefault(piece, piece)))

    def connection_lost(self, error: Exception | None) -> None:
        """Remember it: nobody may be lost."""
        self.is_lost = True

    def send(self, data: bytes) -> None:
        """Write to the server."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(data)

    async def hears(self, mark: bytes) -> None:
        """Wait until this was among what has come, and forget all that."""
        while mark not in b"".join(piece for _moment, piece in self.pieces):
            if self.is_lost:
                raise ConnectionError("a socket was closed before it was let in")
            await asyncio.sleep(0.01)
        self.pieces.clear()


async def _hear_all(url: str, tokens: list[str], sockets: int) -> dict[str, object]:
    opened: list[Listener] = []
    keeping = asyncio.create_task(_keep_open(opened))
    gate = asyncio.Semaphore(OPENED_AT_ONCE)
    async with asyncio.TaskGroup() as opening:
        for token in islice(cycle(tokens), sockets):
            opening.create_task(_open(url, token, gate, opened))
    print("ready", flush=True)
    begun, used = time.perf_counter(), time.process_time()
    await asyncio.to_thread(sys.stdin.read)
    share = (time.process_time() - used) / (time.perf_counter() - begun)
    keeping.cancel()
    if lost := sum(listener.is_lost for listener in opened):
        raise RuntimeError(f"{lost} sockets were lost")
    return {**_read(opened), "of_a_core": share}


async def _keep_open(opened: list[Listener]) -> None:
    while True:
        await asyncio.sleep(SIGN_OF_LIFE_SECONDS)
        for number, listener in enumerate(opened.copy()):
            listener.send(_frame({"type": "ping"}))
            if number % OPENED_AT_ONCE == 0:
                await asyncio.sleep(0.05)


async def _open(url: str, token: str, gate: asyncio.Semaphore, opened: list[Listener]) -> None:
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    async with gate:
        _transport, listener = await loop.create_connection(
            Listener, address.hostname or "", address.port or 80
        )
        key = base64.b64encode(os.urandom(16)).decode()
        listener.send(
            f"GET /ws/v1/events/ HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            "".encode()
        )
        await listener.hears(b"\r\n\r\n")
        listener.send(_frame({"type": "auth", "token": token}))
        listener.send(_frame({"type": "subscribe", "topics": ["models"]}))
        await listener.hears(b'"type":"snapshot"')
        opened.append(listener)


def _frame(message: object) -> bytes:
    """A text frame of a client: its mask is 0, so the text is as it was."""
    text = json.dumps(message).encode()
    size = struct.pack("!B", 0x80 | len(text))
    if len(text) > 125:
        size = struct.pack("!BH", 0x80 | 126, len(text))
    return b"\x81" + size + bytes(4) + text


def _read(opened: list[Listener]) -> dict[str, object]:
    """The numbers of each piece, a piece of many sockets once; and who got which and when."""
    places: dict[tuple[int, ...], int] = {}
    sockets = []
    for listener in opened:
        heard, rest = [], b""
        for moment, piece in listener.pieces:
            numbers, rest = _numbers(rest + piece)
            if numbers:
                heard.append((places.setdefault(numbers, len(places)), moment))
        sockets.append(heard)
    return {"numbers": list(places), "sockets": sockets}


@cache
def _numbers(data: bytes) -> tuple[tuple[int, ...], bytes]:
    """`done` of each event about progress in the whole frames; and what is left behind them."""
    numbers, at = [], 0
    while len(data) - at >= 2:
        size, start = data[at + 1], at + 2
        if size == 126:
            start = at + 4
        elif size == 127:
            start = at + 10
        if start > at + 2:
            size = int.from_bytes(data[at + 2 : start])
        if len(data) < start + size:
            break
        if data[at] == 0x81:
            message = json.loads(data[start : start + size])
            if message["type"] == "task.progress":
                numbers.append(message["data"]["done"])
        at = start + size
    return tuple(numbers), data[at:]


if __name__ == "__main__":
    json.dump(asyncio.run(_hear_all(**json.loads(sys.stdin.readline()))), sys.stdout)
