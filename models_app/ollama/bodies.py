"""Bodies as they come: in pieces, in lines, and parsed where nobody waits for it.

However much a server sends, and however it cuts it up, what is held at once is bounded, and so is
what it keeps busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from models_app.ollama.errors import TooLarge
from models_app.ollama.untrusted import parse_object

# Above this the parsing leaves the event loop to others: in few threads, whoever sends how much.
PARSED_AT_ONCE = 32_000
_PARSERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="parse")
_PIECE = 65_536
LONGEST_LINE = 1_000_000
# Ollama sends some twenty a second for each layer; a flood is read no faster than this.
MOST_LINES_A_SECOND = 2000

_Read = TypeVar("_Read")


async def beside(size: int, read: Callable[[bytes], _Read], raw: bytes) -> _Read:
    """`read(raw)`, beside the event loop where there is much of it."""
    if size <= PARSED_AT_ONCE:
        return read(raw)
    return await asyncio.get_running_loop().run_in_executor(_PARSERS, read, raw)


async def pieces(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The body in pieces that are worth a look each."""
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        if len(buffer) >= _PIECE:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)


async def split_lines(
    chunks: AsyncIterator[bytes], silence_s: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    """The lines that are not empty; the last may lack its end, but is left out if it is cut."""
    line = bytearray()
    pace = Pace(MOST_LINES_A_SECOND)
    deadline = _after(silence_s())
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            break
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line += end
            if line.strip():
                yield bytes(line)
            line.clear()
        line += rest
        if len(line) > LONGEST_LINE:
            raise TooLarge(_("A line of the answer is longer than any that Ollama sends."))
        if ends:
            await pace.after(len(ends))
            deadline = _after(silence_s())
    half_a_line = line.lstrip().startswith(b"{") and parse_object(bytes(line)) is None
    if line.strip() and not half_a_line:
        yield bytes(line)


class Pace:
    """Holds a reader back that has had more than `most` in a second: the sender waits, too."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._since = 0.0

    async def after(self, number: int) -> None:
        """So many more have been read."""
        now = asyncio.get_running_loop().time()
        if now - self._since >= 1:
            self._since, self._count = now, 0
        self._count += number
        if self._count >= self._most:
            await asyncio.sleep(max(0.0, self._since + self._count / self._most - now))
            self._since, self._count = asyncio.get_running_loop().time(), 0


def _after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds
