"""What the web process takes in of anybody's request: bounded before anything of it is kept."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ollamactl.lib.request_limits import LONGEST_BODY

SECONDS = 10


@pytest.fixture
def line(panel: str) -> Iterator[socket.socket]:
    """A bare connection to the panel."""
    host, _, port = panel.partition(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
        yield connection


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode()


def answer(line: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    while chunk := line.recv(65536):
        received += chunk
    return received


@pytest.mark.parametrize("path", ["/login/", "/api/v1/auth/login/"])
def test_a_long_body_is_refused_before_a_byte_of_it(line: socket.socket, path: str) -> None:
    line.sendall(head(path, f"Content-Length: {10**12}"))
    said = answer(line)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert said.endswith(b"The body of the request is too long.\n")


def test_a_body_without_a_length_is_cut_off_at_the_limit(line: socket.socket) -> None:
    line.sendall(head("/login/", "Transfer-Encoding: chunked"))
    piece = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)
    sent = 0
    while sent <= LONGEST_BODY:
        line.sendall(piece)
        sent += 100_000
    assert answer(line).startswith(b"HTTP/1.1 413 ")


def test_who_sends_it_all_the_same_can_read_the_answer(line: socket.socket) -> None:
    line.sendall(head("/login/", f"Content-Length: {LONGEST_BODY + 1}"))
    line.sendall(b"x" * (LONGEST_BODY + 1))
    assert answer(line).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_the_api_has_its_own_limit_and_sentence(line: socket.socket) -> None:
    body = b" " * 2_000_000
    close = "Connection: close"
    line.sendall(head("/api/v1/models/", f"Content-Length: {len(body)}", close) + body)
    assert answer(line).startswith(b"HTTP/1.1 401 ")  # a stranger's is not even read
    assert LONGEST_BODY > 2_000_000


def test_nobody_chooses_the_root_of_the_panel(line: socket.socket) -> None:
    root = "Daphne-Root-Path: https://evil.example"
    line.sendall(head("/", root, "Connection: close", method="GET"))
    said = answer(line)
    assert said.startswith(b"HTTP/1.1 302 ")
    assert b"evil" not in said
    assert b"Location: /login/?next=/" in said


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 302), ("localhost", 302), ("evil.example", 400), ("127.0.0.1.evil.com", 400)],
)
def test_only_the_panels_own_names_are_answered(
    line: socket.socket, host: str, status: int
) -> None:
    line.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    said = answer(line)
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert b"evil" not in said


def test_the_api_says_so_in_its_own_shape(line: socket.socket) -> None:
    line.sendall(b"GET /api/v1/models/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    said = answer(line)
    assert said.startswith(b"HTTP/1.1 400 ")
    body = json.loads(said[said.index(b"{") : said.rindex(b"}") + 1])
    (error,) = body["errors"]
    assert error["code"] == "unknown_host"
    assert "OLLAMACTL_ALLOWED_HOSTS" in error["detail"]


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["headers", "path", "header", "TLS"],
)
def test_what_is_no_request_ends_the_connection(line: socket.socket, bytes_sent: bytes) -> None:
    line.sendall(bytes_sent)
    with suppress(ConnectionResetError):  # what was still on its way met a closed door
        assert answer(line)[:13] in (b"HTTP/1.1 400 ", b"")
