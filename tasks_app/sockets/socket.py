"""One client's end in this process: what it hears, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from tasks_app.figures import SOCKETS_DROPPED
from tasks_app.sockets.access import Grant
from tasks_app.sockets.frames import frame_of, writer_of
from tasks_app.sockets.writability import writability_of

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

NOT_AUTHENTICATED, NOT_PERMITTED, TOO_SLOW, TOO_MANY, FAILED = 4401, 4403, 4408, 4429, 1011
LONGEST_QUEUE = 1000
"""Messages that may wait for one client; who does not read them in time is dropped."""
WRITTEN_AT_ONCE = 64_000
"""Bytes after which the network is asked whether it takes more."""
LAST_WORDS = 2.0
"""Seconds that a client has to take what was said before its socket is closed."""


class Socket:
    """A queue to one client. Nobody who offers to it ever waits."""

    def __init__(self, send: Send) -> None:
        self.topics: set[str] = set()
        self.grant: Grant | None = None
        self.close_code: int | None = None
        self._send = send
        self._writable = writability_of(send)
        self._write_frames = writer_of(send)
        self._waiting: deque[str] = deque()
        self._news = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    def offer(self, text: str) -> None:
        """Queue a message; drop the client when too many wait already."""
        if self.close_code is not None:
            return
        if len(self._waiting) >= LONGEST_QUEUE:
            self.drop(TOO_SLOW)
            return
        self._waiting.append(text)
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

    def _next_frames(self) -> bytes:
        """What waits, up to a size of which one piece of it may be the rest."""
        frames = [frame_of(self._waiting.popleft())]
        size = len(frames[0])
        while self._waiting and size < WRITTEN_AT_ONCE:
            frames.append(frame_of(self._waiting.popleft()))
            size += len(frames[-1])
        return b"".join(frames)

    async def _send_waiting(self) -> None:
        while True:
            while self._waiting:
                await self._writable.wait()
                if self._write_frames is None:
                    await self._send({"type": "websocket.send", "text": self._waiting.popleft()})
                else:
                    self._write_frames(self._next_frames())
            if self.close_code is not None:
                return
            self._news.clear()
            await self._news.wait()
