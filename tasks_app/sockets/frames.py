"""A text as it goes over the wire: framed once, however many clients hear it."""

from __future__ import annotations

import struct

TEXT = 0x81  # a whole message of text; what a server sends is not masked (RFC 6455, 5.2)


def frame_of(text: str) -> bytes:
    """The WebSocket frame of a text."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return struct.pack("!BB", TEXT, size) + data
    if size < 65_536:
        return struct.pack("!BBH", TEXT, 126, size) + data
    return struct.pack("!BBQ", TEXT, 127, size) + data
