"""Whether a client takes what is sent to it.

Daphne's `send` never waits: what a slow client does not take piles up in the server's memory.
Twisted tells the producer of a connection when too much waits there, so the socket registers one.
"""

from __future__ import annotations

import asyncio
from typing import Any


class _Producer:
    """What Twisted calls when a connection's buffer is full, and when it is empty again."""

    def __init__(self, writable: asyncio.Event) -> None:
        self._writable = writable

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._writable.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._writable.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        self._writable.set()


def writability_of(send: Any) -> asyncio.Event:
    """An event that is set while the client of this ASGI `send` takes messages.

    Always set under another server than Daphne, whose `send` is expected to wait.
    """
    writable = asyncio.Event()
    writable.set()
    held: tuple[Any, ...] = getattr(send, "args", ()) or (None,)
    protocol = held[0]  # Daphne's is partial(handle_reply, protocol).
    if hasattr(protocol, "registerProducer") and hasattr(protocol, "unregisterProducer"):
        protocol.unregisterProducer()  # the HTTP channel's, which has no more to do here
        protocol.registerProducer(_Producer(writable), True)
    return writable
