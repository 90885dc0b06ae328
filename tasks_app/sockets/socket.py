"""One client's end in this process: what it hears, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from tasks_app.figures import SOCKETS_DROPPED
from tasks_app.sockets.access import Grant
from tasks_app.sockets.outlet import outlet_of
from tasks_app.sockets.rounds import Message, Parcel

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

NOT_AUTHENTICATED, NOT_PERMITTED, TOO_SLOW, TOO_MANY, FAILED = 4401, 4403, 4408, 4429, 1011
LONGEST_QUEUE = 1000
"""Messages that may wait for one client; who does not read them in time is dropped."""
WRITTEN_AT_ONCE = 32 * 1024
"""Bytes after which the network is asked whether it takes more."""
LAST_WORDS = 2.0
"""Seconds that a client has to take what was said before its socket is closed."""


class Socket:
    """A queue to one client. Nobody who offers to it ever waits."""

    def __init__(self, send: Send) -> None:
        self.topics: set[str] = set()
        self.heard: frozenset[str] = frozenset()
        self.grant: Grant | None = None
        self.close_code: int | None = None
        self._send = send
        self._outlet = outlet_of(send)
        self._waiting: dict[object, Message] = {}
        self._news = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    def offer(self, text: str) -> None:
        """Queue a message; drop the client when too many wait already."""
        self._keep(Message(text))

    def take(self, parcel: Parcel) -> None:
        """Write a round's messages if the client takes them at once; else queue them."""
        outlet = self._outlet
        if outlet is None or self._waiting or not outlet.writable.is_set():
            for message in parcel.messages:
                self._keep(message)
        elif self.close_code is None:
            outlet.write(parcel.data)

    def _keep(self, message: Message) -> None:
        """Queue a message, at the end: a client drops what has a lower `seq` than it has heard."""
        if self.close_code is not None:
            return
        self._waiting.pop(message.key, None)
        if len(self._waiting) >= LONGEST_QUEUE:
            self.drop(TOO_SLOW)
            return
        self._waiting[message.key] = message
        self._news.set()

    def close(self, code: int) -> None:
        """Close with this code once what waits has been sent, if that is soon."""
        if self.close_code is not None:
            return
        self.close_code = code
        self._news.set()
        asyncio.get_running_loop().call_later(LAST_WORDS, self._give_up)

    def drop(self, code: int) -> None:
        """Close with this code now; what waits is not sent any more."""
        if self.close_code is None:
            self.close_code = code
            self._give_up()

    def _give_up(self) -> None:
        self._waiting.clear()
        if self._sending is not None:
            self._sending.cancel()

    async def write(self) -> None:
        """Send what is offered, until the socket is closed from this side or its client is gone."""
        self._sending = asyncio.create_task(self._send_waiting())
        try:
            await asyncio.wait({self._sending})
            if not self._sending.cancelled():
                self._sending.result()
            if self.close_code is not None:
                SOCKETS_DROPPED.add(1, str(self.close_code))
                await self._send({"type": "websocket.close", "code": self.close_code})
        except Exception:  # a server's word for "the client is gone" is its own
            logger.debug("a socket ended while it was written to", exc_info=True)
        finally:
            self._sending.cancel()

    def _next_message(self) -> Message:
        return self._waiting.pop(next(iter(self._waiting)))

    def _next_frames(self) -> bytes:
        """What waits, up to a size of which one piece of it may be the rest."""
        frames = [self._next_message().frame]
        size = len(frames[0])
        while self._waiting and size < WRITTEN_AT_ONCE:
            frames.append(self._next_message().frame)
            size += len(frames[-1])
        return b"".join(frames)

    async def _send_waiting(self) -> None:
        while True:
            while self._waiting:
                if self._outlet is None:
                    await self._send({"type": "websocket.send", "text": self._next_message().text})
                else:
                    await self._outlet.writable.wait()
                    self._outlet.write(self._next_frames())
            if self.close_code is not None:
                return
            self._news.clear()
            await self._news.wait()
