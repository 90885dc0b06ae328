"""Downloads of blobs, shared by digest: one transfer, however many pulls wait for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Final

from ollamactl.simulator.manifests import Layer
from ollamactl.simulator.store import Store

LINE_INTERVAL: Final = 0.06  # seconds between two lines of a layer, as in Ollama


class Download:
    """One blob on its way. The bytes reached follow from the clock; nothing ticks.

    A waiter may hold it back at a number of bytes (a failure on demand) until it leaves.
    """

    def __init__(self, blob: Layer, rate: float, start: int) -> None:
        self.blob = blob
        self.start = start
        self.waiters = 0
        self.finished = False
        self._rate = rate
        self._base, self._since = start, time.monotonic()
        self._ceilings: dict[object, int] = {}

    def completed(self) -> int:
        """Bytes reached by now."""
        moved = (time.monotonic() - self._since) * self._rate
        free = self.blob.size if math.isinf(moved) else self._base + int(moved)
        return max(self._base, min(free, self.blob.size, *self._ceilings.values()))

    def seconds_left(self) -> float:
        return (self.blob.size - self.completed()) / self._rate

    def join(self, waiter: object, ceiling: int | None) -> None:
        self.waiters += 1
        if ceiling is not None:
            self._ceilings[waiter] = ceiling

    def leave(self, waiter: object) -> None:
        """Go on from the bytes reached, as if nobody had held it back."""
        self.waiters -= 1
        self._base, self._since = self.completed(), time.monotonic()
        self._ceilings.pop(waiter, None)


class Downloads:
    """All downloads of one server. `bytes_moved` counts by digest what each blob has cost."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._active: dict[str, Download] = {}
        self.bytes_moved: Counter[str] = Counter()

    @property
    def active(self) -> bool:
        return bool(self._active)

    async def fetch(
        self, blob: Layer, *, rate: float, ceiling: int | None = None
    ) -> AsyncGenerator[int]:
        """Yield the bytes reached about each 60 ms, until the blob is there.

        Closing the generator leaves the download; the last one to leave stops it, and what has
        been reached is kept.
        """
        waiter = object()
        download = self._active.get(blob.digest)
        if download is None:
            start = self._store.partials.get(blob.digest, 0)
            download = self._active[blob.digest] = Download(blob, rate, start)
        download.join(waiter, ceiling)
        try:
            while True:
                await asyncio.sleep(min(LINE_INTERVAL, download.seconds_left()))
                reached = download.completed()
                if reached >= blob.size:
                    break
                yield reached
            self._finish(download)
        finally:
            download.leave(waiter)
            if not download.waiters and not download.finished:
                self._stop(download)

    def keep_progress(self) -> None:
        """Note the bytes reached of each download, so that a save finds them."""
        for digest, download in self._active.items():
            self._store.partials[digest] = download.completed()

    def _finish(self, download: Download) -> None:
        if not download.finished:
            download.finished = True
            self._account(download)
            self._store.add_blob(download.blob)

    def _stop(self, download: Download) -> None:
        self._account(download)
        self._store.partials[download.blob.digest] = download.completed()
        self._store.save()

    def _account(self, download: Download) -> None:
        self._active.pop(download.blob.digest, None)
        self.bytes_moved[download.blob.digest] += download.completed() - download.start
