"""Any number of Ollama servers at one port, as cheap as can be: they say what they have, no more.

`http://…/20-17` is number 17 with 20 models, `http://…/no-17` one that does not say what it has.
Answers are made once. Run it as a program: it prints its address and stops at the end of its input.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256

from bench.stack import PROJECT
from tests.components.launching import ending_with_us

REQUEST = re.compile(rb"GET /(\d+|no)-\d+(/api/(?:version|ps|tags)) HTTP/1\.1\r\n")
VERSION = {"version": "0.24.0"}


@contextmanager
def many_ollamas() -> Iterator[str]:
    """Start them in a process of their own; the address before `/20-17`."""
    process = subprocess.Popen(
        ending_with_us([sys.executable, "-m", "bench.many_ollamas"]),
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("no pipe")
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate(timeout=10)


@cache
def answer(models: str, path: str) -> bytes:
    """The whole HTTP answer of a server with so many models."""
    if models == "no" and path == "/api/tags":
        return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    count = 0 if models == "no" else int(models)
    answers: dict[str, object] = {
        "/api/version": VERSION,
        "/api/ps": {"models": []},
        "/api/tags": {"models": [_model(number) for number in range(count)]},
    }
    body = json.dumps(answers[path]).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _model(number: int) -> dict[str, object]:
    name = f"fleet-{number:06}:7b"
    return {
        "name": name,
        "model": name,
        "modified_at": "2025-06-01T12:00:00Z",
        "size": 4_000_000_000 + number,
        "digest": sha256(name.encode()).hexdigest(),
        "details": {"format": "gguf", "family": "llama", "families": ["llama"],
                    "parameter_size": "7B", "quantization_level": "Q4_K_M"},
    }  # fmt: skip


class Connection(asyncio.Protocol):
    """One connection, kept for further requests; what is not known is 404."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            request, _end, self._received = self._received.partition(b"\r\n\r\n")
            found = REQUEST.match(request + b"\r\n")
            known = found and answer(found[1].decode(), found[2].decode())
            said = known or b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            if isinstance(self._transport, asyncio.WriteTransport):
                self._transport.write(said)


async def serve() -> None:
    """Serve until the input ends."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
