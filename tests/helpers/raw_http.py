"""A small HTTP server that says exactly the bytes a test wants, however wrong they are."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RawRequest:
    """What a client sent; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as JSON."""
        parsed = json.loads(self.body)
        assert isinstance(parsed, dict)
        return parsed


Handler = Callable[[RawRequest, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class RawServer:
    """Where it listens, and what it was asked. `closed` is set when a client hung up."""

    port: int = 0
    requests: list[RawRequest] = field(default_factory=list)
    client_gone: asyncio.Event = field(default_factory=asyncio.Event)
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


def answer_bytes(
    body: bytes | str = b"",
    *,
    status: str = "200 OK",
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole HTTP answer with the right length."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(raw)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + raw


def stream_head(status: str = "200 OK", content_type: str = "application/x-ndjson") -> bytes:
    """The head of an answer that ends when the connection does, without a length."""
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n".encode()
    )


def say(*parts: bytes) -> Handler:
    """A handler that sends `parts`, then closes."""

    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return handler


def say_then_hang(*parts: bytes) -> Handler:
    """A handler that sends `parts`, then holds the connection without a word."""

    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        await writer.drain()
        await asyncio.Event().wait()

    return handler


def routes(table: Mapping[str, Handler], otherwise: Handler | None = None) -> Handler:
    """A handler for each `"METHOD /path"`; 404 in plain text for the rest."""
    missing = otherwise or say(
        answer_bytes("404 page not found", status="404 Not Found", content_type="text/plain")
    )

    async def handler(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        await table.get(f"{request.method} {request.path}", missing)(request, writer)

    return handler


async def _read_request(reader: asyncio.StreamReader) -> RawRequest | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _version = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RawRequest(method, path, headers, body)


@asynccontextmanager
async def raw_server(
    handler: Handler, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    """Serve `handler` on a free port of loopback. A client's hang-up ends its handler."""
    served = RawServer(scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            request = await _read_request(reader)
            assert request is not None
            served.requests.append(request)
            work = asyncio.ensure_future(handler(request, writer))
            hang_up = asyncio.ensure_future(reader.read())
            try:
                await asyncio.wait({work, hang_up}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    served.client_gone.set()
            finally:
                for job in (work, hang_up):
                    job.cancel()
                await asyncio.gather(work, hang_up, return_exceptions=True)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
