"""A client of the socket, for tests."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterable
from typing import Any

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_connection
from websockets.typing import Origin

Message = dict[str, Any]


class Listener:
    """One connection, and everything that it has received."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.received: list[Message] = []

    def send(self, message: object) -> None:
        self.send_text(json.dumps(message))

    def send_text(self, text: str | bytes) -> None:
        self.connection.send(text)

    def subscribe(self, *topics: str) -> None:
        self.send({"type": "subscribe", "topics": topics})

    def next(self, type: str | None = None, timeout: float = 20) -> Message:
        """The next message, of this type; others before it are kept in `received` alone."""
        deadline = time.monotonic() + timeout
        while True:
            message: Message = json.loads(self.connection.recv(max(deadline - time.monotonic(), 0)))
            self.received.append(message)
            if type is None or message["type"] == type:
                return message

    def hears_nothing_but(self, types: Iterable[str] = ()) -> None:
        """Assert that all that was sent before a ping has one of these types."""
        start = len(self.received)
        self.send({"type": "ping"})
        self.next("pong")
        assert {message["type"] for message in self.received[start:-1]} <= set(types)

    def close_code(self, timeout: float = 20) -> int:
        """The code with which the server closes; what it says before is in `received`."""
        deadline = time.monotonic() + timeout
        with pytest.raises(ConnectionClosed) as closed:
            self._take_until(deadline)
        assert closed.value.rcvd is not None, "the connection was cut"
        return closed.value.rcvd.code

    def _take_until(self, deadline: float) -> None:
        while True:
            text = self.connection.recv(max(deadline - time.monotonic(), 0))
            self.received.append(json.loads(text))

    def close(self) -> None:
        self.connection.close()


def text_frame(text: str) -> bytes:
    """A masked text frame, as a client sends it; for clients that are built by hand."""
    payload, mask = text.encode(), b"\x01\x02\x03\x04"
    assert len(payload) < 126
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([0x81, 0x80 | len(payload)]) + mask + masked


def connect(
    panel: str,
    *,
    session: str | None = None,
    origin: str | None = None,
    language: str = "en",
    tls: ssl.SSLContext | None = None,
) -> Listener:
    """Open the socket of the panel at `host:port`; over TLS with a context that trusts it."""
    headers = {"Accept-Language": language}
    if session:
        headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={session}"
    return Listener(
        open_connection(
            f"{'wss' if tls else 'ws'}://{panel}/ws/v1/events/",
            ssl=tls,
            additional_headers=headers,
            origin=Origin(origin) if origin is not None else None,
            proxy=None,
            close_timeout=1,
            legacy=True,
        )
    )
