"""The HTTP server beneath: keep-alive, pipelining, and requests that are none."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from ollamactl.simulator.running import RunningSimulator
from tests.components.waiting import wait_until


def _talk(simulator: RunningSimulator, data: bytes) -> bytes:
    """Send, and read until the server closes."""
    address = urlsplit(simulator.url)
    with socket.create_connection((str(address.hostname), address.port or 0), 5) as connection:
        connection.sendall(data)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_requests_share_a_connection_even_pipelined(simulator: RunningSimulator) -> None:
    one = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert _talk(simulator, one + one + last).count(b"Ollama is running") == 3


def test_garbage_is_a_400_and_a_closed_connection(simulator: RunningSimulator) -> None:
    assert _talk(simulator, b"\x16\x03\x01garbage\r\n\r\n").startswith(b"HTTP/1.1 400")
    wait_until(lambda: simulator.control.counters()["connections"] == 0, "it is closed")


def test_client_that_waits_for_continue_gets_it(simulator: RunningSimulator) -> None:
    body = b'{"model": "absent"}'
    head = (
        b"POST /api/show HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    answer = _talk(simulator, head + body)
    assert b"404" in answer.splitlines()[0] or b"HTTP/1.1 404" in answer
