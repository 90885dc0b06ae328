"""The way from a socket to its client's connection under Daphne.

Daphne frames each message anew for each client and hands it to the network by way of the event
loop, and its `send` never waits: what a slow client does not take piles up. Here whole frames go to
the network at once, and the socket is told when it takes no more: what waits, waits where newer
events can replace it.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

# Bytes that the kernel keeps beyond what is under way: it would keep megabytes of old numbers.
UNSENT = 32 * 1024


class Outlet:
    """One client's connection. `writable` is set while it takes frames.

    Twisted calls the producer's methods when its buffer is too full, and when it is empty again.
    """

    def __init__(self, protocol: Any) -> None:
        self.writable = asyncio.Event()
        self.writable.set()
        self._protocol = protocol
        self._transport = protocol.transport
        # Asked of the class: under TLS the transport passes on each name that it does not know
        # itself to the bare connection beneath, which would send the frames in the clear.
        self._is_bare = hasattr(type(self._transport), "writeSomeData")
        protocol.unregisterProducer()  # the HTTP channel's, which has no more to do here
        protocol.registerProducer(self, True)
        with suppress(AttributeError, OSError):  # another transport or system
            connection = self._transport.socket  # TLS passes on that of the connection beneath
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    def write(self, frames: bytes) -> None:
        """Give whole frames to the network, and what it does not take to Twisted."""
        if self._protocol.state != self._protocol.STATE_OPEN:
            return
        transport = self._transport
        if not self._is_bare or not _has_nothing_waiting(transport):
            self._protocol.sendData(frames)
            return
        sent = transport.writeSomeData(frames)
        if sent == len(frames):
            return
        # A connection that is lost: Twisted finds that out, too, and says so to all.
        transport.write(frames[sent:] if isinstance(sent, int) else frames)
        transport.producerPaused = True  # so that Twisted tells when all of it is gone
        self.writable.clear()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The network takes no more for now."""
        self.writable.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Nothing waits any more."""
        self.writable.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone: whoever waits for it need not."""
        self.writable.set()


def outlet_of(send: Any) -> Outlet | None:
    """The client's of this ASGI `send`; None under another server, whose `send` waits itself."""
    held: tuple[Any, ...] = getattr(send, "args", ()) or (None,)
    protocol: Any = held[0]  # Daphne's is partial(handle_reply, protocol)
    if not hasattr(protocol, "sendData") or protocol._perMessageCompress is not None:
        return None
    return Outlet(protocol)


def _has_nothing_waiting(transport: Any) -> bool:
    """Whether a bare connection has sent all that Twisted was given for it."""
    waiting = transport.dataBuffer or transport._tempDataBuffer
    return bool(not waiting and transport.connected and not transport.disconnecting)
