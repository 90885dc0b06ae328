"""What may answer instead of Ollama: something that hangs, something that talks HTML, nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.components.waiting import free_port

PAGE = b"<!doctype html><html><title>It works!</title><h1>Welcome to nginx</h1></html>"


class _Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(PAGE)

    def do_POST(self) -> None:
        self._answer(PAGE)

    def do_DELETE(self) -> None:
        self._answer(PAGE)

    def do_HEAD(self) -> None:
        self._answer(b"")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output for the test."""

    def _answer(self, body: bytes) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def html_server() -> Iterator[str]:
    """The URL of a server that answers everything with 200 and a page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@contextmanager
def hanging_server() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def no_server() -> Iterator[str]:
    """A URL at which nothing listens."""
    yield f"http://127.0.0.1:{free_port()}"
