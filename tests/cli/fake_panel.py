"""A panel that answers what a test tells it to, on a real port, with a real socket for events."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
API = "/api/v1/"
EVENTS = "/ws/v1/events/"
_WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Call:
    """One request that the panel has got."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """What it answers: JSON, or raw bytes of some type."""

    status: int = 200
    json: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Call], Reply]


class FakePanel:
    """Answers by (method, path below the API); whatever is not set is 404 in the API's shape."""

    def __init__(self, port: int = 0) -> None:
        self.calls: list[Call] = []
        self.socket_messages: list[Json] = []
        self.has_socket = False
        self._answers: dict[tuple[str, str], Answer] = {}
        self._tasks: dict[int, Json] = {}
        self._sockets: list[socket.socket] = []
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _handler_of(self))
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Close everything, sockets included."""
        self.cut_sockets()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, *args: Any, **kwargs: Any) -> None:
        """Set the answer to a path: the fields of a `Reply`, or one function of the call."""
        if args and callable(args[0]):
            self._answers[method, path] = args[0]
            return
        reply = Reply(*args, **kwargs)
        self._answers[method, path] = lambda call: reply

    def rows(self, path: str, rows: list[Json]) -> None:
        """Make a list with pages."""

        def page(call: Call) -> Reply:
            size = int(call.query.get("page_size", ["50"])[0])
            number = int(call.query.get("page", ["1"])[0])
            part = rows[(number - 1) * size : number * size]
            following = f"{self.url}/?page={number + 1}" if number * size < len(rows) else None
            listed = {"count": len(rows), "next": following, "previous": None, "results": part}
            return Reply(json=listed)

        self.answer("GET", path, page)

    def task(self, number: int, **changes: Any) -> Json:
        """Make or change a task; who follows it through the API sees it at the next question."""
        with self._changed:
            old = self._tasks.get(number) or blank_task(number)
            self._tasks[number] = {**old, **changes}
            self._changed.notify_all()
            return self._tasks[number]

    def send_event(self, data: Json, type: str = "task.progress") -> None:
        """Send an event to every socket."""
        message = {"type": type, "seq": 1, "ts": "", "subject": f"task:{data['id']}", "data": data}
        with self._changed:
            connections = tuple(self._sockets)
        for connection in connections:
            connection.sendall(_frame(json.dumps(message).encode()))

    def cut_sockets(self) -> None:
        """Cut every socket without a word."""
        with self._changed:
            connections = tuple(self._sockets)
            self._sockets.clear()
        for connection in connections:
            with contextlib.suppress(OSError):  # its client has hung up already
                connection.shutdown(socket.SHUT_RDWR)

    def wait_for(self, is_so: Callable[[], bool], seconds: float = 15.0) -> None:
        """Wait until something about the calls, the sockets or the tasks is so."""
        with self._changed:
            if not self._changed.wait_for(is_so, seconds):
                raise AssertionError(f"not within {seconds} s; calls: {self.paths()}")

    def wait_for_follower(self, number: int) -> None:
        """Wait until somebody hears the events of a task and has seen its state."""
        self.wait_for(lambda: bool(self._sockets) and self.count(f"GET tasks/{number}/") > 0)

    def paths(self) -> list[str]:
        """`METHOD path` of each call so far."""
        return [f"{call.method} {call.path}" for call in self.calls]

    def count(self, path: str) -> int:
        """How often something was asked for (`GET tasks/9/`)."""
        return self.paths().count(path)

    def respond(self, call: Call) -> Reply:
        """The answer to a call."""
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
        if answer := self._answers.get((call.method, call.path)):
            return answer(call)
        number = call.path.removeprefix("tasks/").removesuffix("/")
        if call.method == "GET" and number.isdigit() and int(number) in self._tasks:
            return Reply(json=self._tasks[int(number)])
        return refusal(404, "not_found", "There is nothing here.")

    def heard(self, connection: socket.socket, message: Json) -> None:
        """Keep what a client has said on its socket."""
        with self._changed:
            self.socket_messages.append(message)
            if message.get("type") == "subscribe":
                self._sockets.append(connection)
            self._changed.notify_all()

    def hung_up(self, connection: socket.socket) -> None:
        """Send it nothing more."""
        with self._changed:
            if connection in self._sockets:
                self._sockets.remove(connection)


def blank_task(number: int) -> Json:
    """A queued download, in the API's shape."""
    nothing = dict.fromkeys(("done", "total", "unit", "rate", "eta_seconds", "phase"))
    return {
        "id": number,
        "type": "model.pull",
        "resource_type": "model",
        "resource_id": 7,
        "resource_name": "llama3.2:latest",
        "state": "queued",
        "progress": nothing,
        "error": None,
        "result": None,
        "created_at": "2026-01-01T00:00:00Z",
        "started_at": None,
        "finished_at": None,
    }


def progress(done: int, total: int = 1000, phase: str = "downloading") -> Json:
    """The progress of a download at 10 bytes a second."""
    return {
        "done": done,
        "total": total,
        "unit": "bytes",
        "rate": 10.0,
        "eta_seconds": (total - done) / 10,
        "phase": phase,
    }


def refusal(status: int, code: str, detail: str, **extra: Any) -> Reply:
    """An error in the API's shape."""
    errors = [{"code": code, "detail": detail, "attr": None}]
    return Reply(status, {"type": "client_error", "errors": errors, **extra})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


def _handler_of(panel: FakePanel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def _serve(self) -> None:
            address = urlsplit(self.path)
            if address.path == EVENTS and panel.has_socket:
                self._serve_socket()
                return
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            call = Call(
                method=self.command,
                path=address.path.removeprefix(API),
                query=parse_qs(address.query),
                headers=dict(self.headers),
                body=json.loads(text) if text else None,
            )
            reply = panel.respond(call)
            body = reply.raw if reply.raw is not None else json.dumps(reply.json).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the standard library

        def _serve_socket(self) -> None:
            key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET_KEY
            digest = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
            self.end_headers()
            self.wfile.flush()
            self.close_connection = True
            while (message := self._message()) is not None:
                panel.heard(self.connection, message)
            panel.hung_up(self.connection)

        def _message(self) -> Json | None:
            """The next message of the client; None when it has hung up."""
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 0x0F != 1:
                return None
            length = head[1] & 0x7F
            if length == 126:
                length = struct.unpack("!H", self.rfile.read(2))[0]
            mask = self.rfile.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(length)))
            message = json.loads(data)
            return message if isinstance(message, dict) else None

    return Handler


def _frame(data: bytes) -> bytes:
    if len(data) < 126:
        return bytes((0x81, len(data))) + data
    return bytes((0x81, 126)) + struct.pack("!H", len(data)) + data
