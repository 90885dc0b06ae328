"""A proxy that speaks TLS to browsers and plain HTTP to a panel, as people put in front of one."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PASSED_ON = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n"


@contextmanager
def tls_proxy(listen: int, upstream: int, tls: ssl.SSLContext) -> Iterator[None]:
    """Pass on what comes to a port of loopback, each request on a connection of its own."""
    ready, over = threading.Event(), threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            first, _, rest = head.partition(b"\r\n")
            closing = b"" if b"upgrade: websocket" in head.lower() else b"Connection: close\r\n"
            kept = b"\r\n".join(
                line for line in rest.split(b"\r\n") if not (closing and is_connection(line))
            )
            panel, to_panel = await asyncio.open_connection("127.0.0.1", upstream)
            to_panel.write(first + b"\r\n" + PASSED_ON + closing + kept)
            async with asyncio.TaskGroup() as both:
                both.create_task(pass_on(reader, to_panel))
                both.create_task(pass_on(panel, writer))
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", listen, ssl=tls):
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="tls-proxy", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def is_connection(line: bytes) -> bool:
    """Whether it is the header that says what becomes of the connection."""
    return line.lower().startswith(b"connection:")


async def pass_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    """Bytes until either side ends, which ends the other."""
    with suppress(OSError):
        while piece := await source.read(65_536):
            to.write(piece)
            await to.drain()
    to.close()
