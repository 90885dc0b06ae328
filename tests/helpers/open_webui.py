"""A stand-in for Open WebUI: it answers what 0.12.4 answers to who has not logged in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# As its /api/config had them, shortened.
CONFIG = {
    "status": True,
    "name": "Open WebUI",
    "version": "0.12.4",
    "default_locale": "",
    "oauth": {"providers": {}},
    "features": {"auth": True, "enable_signup": True, "enable_login_form": True},
}


@dataclass
class StandIn:
    """Answers every path by `pages`: (status, body, more headers); others are 404."""

    url: str = ""
    pages: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, path: str, body: Any, status: int = 200, **headers: Any) -> None:
        """Set a page: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.pages[path] = (status, content, headers)


@contextmanager
def open_webui(config: Any = CONFIG, host: str = "127.0.0.1", port: int = 0) -> Iterator[StandIn]:
    """One that runs; `config` is what it says of itself."""
    stand_in = StandIn()
    stand_in.answer("/health", {"status": True})
    stand_in.answer("/api/config", config)
    server = ThreadingHTTPServer((host, port), _handler_of(stand_in))
    server.daemon_threads = True
    stand_in.url = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            stand_in.asked.append((self.path, dict(self.headers)))
            status, body, headers = stand_in.pages.get(self.path, (404, b"nothing here", {}))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
