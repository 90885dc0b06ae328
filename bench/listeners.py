"""Many sockets in a process of their own: they do not keep the one that measures from its work.

`listen` starts the process: it reads one line of JSON (`url`, `tokens`, `sockets`), says `ready`,
and at the end of its input answers, for each socket, the numbers it heard of and when.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice

from websockets.asyncio.client import ClientConnection, connect

from bench.stack import PROJECT

Heard = list[tuple[int, float]]
"""`done` of each event about progress, and when (`time.time()`) it was there."""

OPENED_AT_ONCE = 20


@contextmanager
def listen(url: str, tokens: list[str], sockets: int) -> Iterator[Callable[[], list[Heard]]]:
    """So many sockets, spread over the tokens' users; call what this yields to end them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.listeners"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def end() -> list[Heard]:
        answer, _nothing = process.communicate(timeout=60)
        heard: list[Heard] = json.loads(answer)
        return heard

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


async def _hear_all(url: str, tokens: list[str], sockets: int) -> list[Heard]:
    gate = asyncio.Semaphore(OPENED_AT_ONCE)
    opened = await asyncio.gather(
        *(_open(url, token, gate) for token in islice(cycle(tokens), sockets))
    )
    print("ready", flush=True)
    raw: list[list[tuple[float, str | bytes]]] = [[] for _socket in opened]
    hearing = [
        asyncio.create_task(_hear(socket, texts)) for socket, texts in zip(opened, raw, strict=True)
    ]
    await asyncio.to_thread(sys.stdin.read)
    for task in hearing:
        task.cancel()
    lost = [task for task in await asyncio.gather(*hearing, return_exceptions=True) if task]
    if not all(isinstance(error, asyncio.CancelledError) for error in lost):
        raise RuntimeError(f"sockets were lost: {lost[0]}")
    return [_numbers(texts) for texts in raw]


async def _open(url: str, token: str, gate: asyncio.Semaphore) -> ClientConnection:
    async with gate:
        address = f"{url.replace('http', 'ws', 1)}/ws/v1/events/"
        socket = await connect(address, proxy=None, compression=None, close_timeout=1)
        await socket.send(json.dumps({"type": "auth", "token": token}))
        await socket.send(json.dumps({"type": "subscribe", "topics": ["models"]}))
        while json.loads(await socket.recv())["type"] != "snapshot":
            pass
        return socket


async def _hear(socket: ClientConnection, texts: list[tuple[float, str | bytes]]) -> None:
    while True:
        text = await socket.recv()
        texts.append((time.time(), text))


def _numbers(texts: list[tuple[float, str | bytes]]) -> Heard:
    heard = []
    for moment, text in texts:
        message = json.loads(text)
        if message["type"] == "task.progress":
            heard.append((message["data"]["done"], moment))
    return heard


if __name__ == "__main__":
    json.dump(asyncio.run(_hear_all(**json.loads(sys.stdin.readline()))), sys.stdout)
