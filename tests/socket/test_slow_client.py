"""A client that does not read is dropped; the others hear everything."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.conf import settings

from tasks_app.live import publish
from tests.components.waiting import wait_until
from tests.socket.client import text_frame
from tests.socket.conftest import NewUser, Open

pytestmark = pytest.mark.alone

HANDSHAKE = (
    "GET /ws/v1/events/ HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {name}={session}\r\n\r\n"
)


def open_deaf_socket(panel: str, session: str) -> socket.socket:
    """A client that subscribes to "models" and then never reads."""
    host, _, port = panel.partition(":")
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect((host, int(port)))
    subscribe_by_hand(deaf, f"http://{panel}", session)
    return deaf


def subscribe_by_hand(connection: socket.socket, panel: str, session: str) -> None:
    """Open the panel's socket on a connection to its address, and subscribe to "models"."""
    request = HANDSHAKE.format(
        host=panel.partition("://")[2],
        origin=panel,
        name=settings.SESSION_COOKIE_NAME,
        session=session,
    )
    connection.sendall(request.encode())
    assert b"101" in connection.recv(64)
    connection.sendall(text_frame('{"type": "subscribe", "topics": ["models"]}'))


def is_cut(deaf: socket.socket) -> bool:
    """Whether the server has ended the connection; asks the kernel and reads nothing."""
    info = deaf.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
    established = 1
    return info[0] != established


def test_who_does_not_read_is_dropped_and_the_others_are_not(
    panel: str, open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    client = browser_of(new_user())
    good = open_socket(client)
    good.subscribe("models")
    good.next("snapshot")
    deaf = open_deaf_socket(panel, client.cookies[settings.SESSION_COOKIE_NAME].value)
    sent = 0

    def send_until_cut() -> bool:
        nonlocal sent
        for _ in range(100):
            sent += 1
            data = {"id": 1, "message": "x" * 4000, "number": sent}
            publish("model.changed", subject="model:1", seq=sent, data=data, topics=["models"])
        while good.next("model.changed", timeout=20)["data"]["number"] < sent:
            pass
        return is_cut(deaf)

    wait_until(send_until_cut, "the deaf client is dropped", timeout=60)
    numbers = [m["data"]["number"] for m in good.received if m["type"] == "model.changed"]
    assert numbers == list(range(1, sent + 1))
    # Buffers of the kernel and the server, and the queue of a thousand: no more than that is kept.
    assert sent < 5000
    deaf.close()
