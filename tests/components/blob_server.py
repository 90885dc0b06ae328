"""Serves a registry's blobs with ranges, at a rate that a test sets, and fails when told to."""

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from tests.components.throttle import Throttle

CHUNK = 64 * 1024
RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


class BlobServer:
    """An HTTP server over the files below `root`.

    A test drives it: `rate` (bytes a second over all downloads, None for no limit), `stall()`
    (send nothing more and keep the connections), `resume()`, `cut()` (break the downloads that
    run), `refuse` (answer each request with this status, None to serve). `sent` counts the
    bytes that went out.
    """

    def __init__(self, root: Path) -> None:
        self.refuse: int | None = None
        self.sent = 0
        self._throttle = Throttle()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), root, self)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The base URL, with a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    @property
    def rate(self) -> float | None:
        """Bytes a second over all downloads together; None is no limit."""
        return self._throttle.rate

    @rate.setter
    def rate(self, value: float | None) -> None:
        self._throttle.rate = value

    @property
    def active(self) -> int:
        """How many connections are downloading now."""
        with self._lock:
            return len(self._connections)

    def stall(self) -> None:
        """Send nothing more, and keep every connection open."""
        self.rate = 0

    def resume(self, rate: float | None = None) -> None:
        """Go on after `stall`, at `rate`."""
        self.rate = rate

    def cut(self) -> None:
        """Break every download that runs now; the next request is served."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def reset(self) -> None:
        """Back to serving everything at full speed, with nothing counted."""
        self.refuse = None
        self.rate = None
        self.sent = 0

    def start(self) -> None:
        """Serve from a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the server and every download."""
        self.rate = None
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def send(self, source: BinaryIO, count: int, connection: socket.socket) -> None:
        """Copy `count` bytes to a client within the limits that are set."""
        with self._lock:
            self._connections.add(connection)
        try:
            while count > 0:
                chunk = source.read(min(self._chunk_size(), count))
                if not chunk:
                    return
                self._throttle.take(len(chunk))
                connection.sendall(chunk)
                count -= len(chunk)
                with self._lock:
                    self.sent += len(chunk)
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _chunk_size(self) -> int:
        # Small enough for twenty steps a second, so that slow downloads are seen to move.
        return CHUNK if not self.rate else max(256, min(CHUNK, int(self.rate / 20)))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], root: Path, owner: BlobServer) -> None:
        self.root = root.resolve()
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output for the test."""

    def _answer(self, *, with_body: bool) -> None:
        if self.server.owner.refuse is not None:
            self._send_status(self.server.owner.refuse)
            return
        path = (self.server.root / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if not path.is_relative_to(self.server.root) or not path.is_file():
            self._send_status(404)
            return
        size = path.stat().st_size
        start, end = self._requested_range(size)
        if start >= max(size, 1):
            self._send_status(416)
            return
        self._send_headers(start, end, size)
        if with_body:
            with path.open("rb") as source:
                source.seek(start)
                self.server.owner.send(source, end - start, self.connection)

    def _requested_range(self, size: int) -> tuple[int, int]:
        match = RANGE.match(self.headers.get("Range", ""))
        if match is None:
            return 0, size
        return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size

    def _send_headers(self, start: int, end: int, size: int) -> None:
        partial = "Range" in self.headers
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()

    def _send_status(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
