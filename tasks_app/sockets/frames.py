"""Texts as they go over the wire, written many at once and framed once for all clients."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

# Of what is said to many clients at once: an event, not a snapshot that fills a page.
LONGEST_KEPT = 8000
TEXT = 0x81  # a whole message of text; what a server sends is not masked (RFC 6455, 5.2)


def frame_of(text: str) -> bytes:
    """The WebSocket frame of a text; events are framed once, however many clients hear them."""
    return _kept_frame(text) if len(text) <= LONGEST_KEPT else _frame(text)


def writer_of(send: Any) -> Callable[[bytes], None] | None:
    """What takes frames for the client of this ASGI `send`; None under another server than Daphne.

    Daphne frames each message anew for each client, and hands each to the network alone: with a
    thousand clients that is most of its work.
    """
    protocol = (getattr(send, "args", ()) or (None,))[0]  # Daphne's is partial(handle_reply, …)
    compresses = getattr(protocol, "_perMessageCompress", None) is not None
    write: Callable[[bytes], None] | None = getattr(protocol, "sendData", None)
    return None if compresses else write


def _frame(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    if size < 126:
        return struct.pack("!BB", TEXT, size) + data
    if size < 65_536:
        return struct.pack("!BBH", TEXT, 126, size) + data
    return struct.pack("!BBQ", TEXT, 127, size) + data


_kept_frame = lru_cache(maxsize=512)(_frame)
