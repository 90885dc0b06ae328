"""A port that leads to another one, as a tunnel does: who listens there is no Ollama."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.components.waiting import free_port
from tests.helpers.tls_proxy import pass_on


@contextmanager
def relay(upstream: int) -> Iterator[int]:
    """A port of loopback whose connections are passed on to the port `upstream` for the block."""
    listen = free_port()
    ready, over = threading.Event(), threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer, question = await asyncio.open_connection("127.0.0.1", upstream)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, question), pass_on(answer, writer))

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", listen):
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="relay", daemon=True)
    thread.start()
    assert ready.wait(10), f"nobody listens at {listen}"
    try:
        yield listen
    finally:
        over.set()
        thread.join(10)
