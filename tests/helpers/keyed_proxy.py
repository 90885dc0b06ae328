"""A proxy that asks for a key, as people put in front of Ollama."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.components.loopback import PLAIN


@contextmanager
def keyed_proxy(upstream: str, header: str, value: str, host: str = "127.0.0.1") -> Iterator[str]:
    """Its URL. It passes on what carries the header with the value, and answers 401 to others."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def _serve(self) -> None:
            status, body = 401, b"who are you?"
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get(header) == value:
                url = f"{upstream}{self.path}"
                with httpx.Client(verify=PLAIN, trust_env=False, timeout=60) as client:
                    answer = client.request(self.command, url, content=sent)
                status, body = answer.status_code, answer.content
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815 - names of the standard library

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
