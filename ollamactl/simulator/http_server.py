"""A small HTTP/1.1 server on asyncio and h11.

What it is here for, and what the servers at hand do not give in one process next to tests: any
number of servers on threads of their own, streaming, keep-alive, and a handler that is cancelled
the moment its client closes the connection.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import h11

logger = logging.getLogger(__name__)

MAX_BODY = 1 << 30
_CHUNK = 1 << 16

JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson"


class CutConnection(Exception):
    """Raised by a handler to break its connection off, without a proper end."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Response:
    """`body` is bytes, or a generator whose items are sent as they come."""

    status: int = 200
    body: bytes | AsyncGenerator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, data: Any, status: int = 200) -> Response:
        body = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
        return cls(status, body, {"content-type": JSON})

    @classmethod
    def text(cls, text: str, status: int = 200, content_type: str = "text/plain") -> Response:
        return cls(status, text.encode(), {"content-type": f"{content_type}; charset=utf-8"})

    @classmethod
    def error(cls, message: str, status: int) -> Response:
        """Ollama's shape of an error."""
        return cls.json({"error": message}, status)


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Serves `handler` on one address; `connections` is the number that are open."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._tasks)

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, chosen by the system where 0 was asked for."""
        self._server = await asyncio.start_server(self._connected, host, port, limit=_CHUNK)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening and break off every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_Connection(reader, writer, self._handler).serve())
        self._tasks.add(task)
        try:
            await task
        except (CutConnection, ConnectionError):
            writer.transport.abort()
        except asyncio.CancelledError:
            # By close() alone, and nobody awaits this one.
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._http = h11.Connection(h11.SERVER)

    async def serve(self) -> None:
        while True:
            try:
                request = await self._read_request()
            except h11.RemoteProtocolError as error:
                await self._refuse(error)
                return
            if request is None or not await self._answer_or_leave(request):
                return
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _read_request(self) -> Request | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    await self._send(h11.InformationalResponse(status_code=100, headers=[]))
                self._http.receive_data(await self._reader.read(_CHUNK))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY:
                    raise h11.RemoteProtocolError("body too large", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _request(head, bytes(body))
            else:
                return None

    async def _answer_or_leave(self, request: Request) -> bool:
        """Answer, unless the client closes first; False: the connection has ended."""
        answer = asyncio.ensure_future(self._answer(request))
        departure = asyncio.ensure_future(self._wait_for_departure())
        try:
            await asyncio.wait({answer, departure}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                return False
            answer.result()
            return True
        finally:
            for task in (answer, departure):
                task.cancel()
            await asyncio.gather(answer, departure, return_exceptions=True)

    async def _wait_for_departure(self) -> None:
        while data := await self._reader.read(_CHUNK):
            self._http.receive_data(data)

    async def _answer(self, request: Request) -> None:
        response = await self._respond(request)
        headers = dict(response.headers)
        if isinstance(response.body, bytes):
            headers.setdefault("content-length", str(len(response.body)))
        else:
            headers["transfer-encoding"] = "chunked"
        await self._send(h11.Response(status_code=response.status, headers=list(headers.items())))
        if request.method != "HEAD":
            if isinstance(response.body, bytes):
                await self._send(h11.Data(data=response.body))
            else:
                async with aclosing(response.body) as parts:
                    async for part in parts:
                        await self._send(h11.Data(data=part))
        await self._send(h11.EndOfMessage())

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except CutConnection:
            raise
        except Exception:
            # As a panic inside Ollama: 500 with an empty body.
            logger.exception("%s %s failed", request.method, request.path)
            return Response(500)

    async def _refuse(self, error: h11.RemoteProtocolError) -> None:
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            status = error.error_status_hint
            await self._send(h11.Response(status_code=status, headers=[("connection", "close")]))
            await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()


def _request(head: h11.Request, body: bytes) -> Request:
    target = urlsplit(head.target.decode("ascii", "replace"))
    return Request(
        method=head.method.decode("ascii"),
        path=unquote(target.path) or "/",
        query=parse_qs(target.query),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers},
        body=body,
    )
