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
        seconds = time.monotonic() - self._since
        free = self.blob.size if math.isinf(self._rate) else self._base + int(seconds * self._rate)
        return max(self._base, min(free, self.blob.size, *self._ceilings.values()))

    def seconds_left(self) -> float:
        """Until it is done; endless while it stands still or is held back."""
        reached = self.completed()
        if not self._rate or any(reached >= ceiling for ceiling in self._ceilings.values()):
            return math.inf
        return (self.blob.size - reached) / self._rate

    def go_at(self, rate: float) -> None:
        """Go on from the bytes reached at another rate; 0 is a standstill."""
        self._base, self._since = self.completed(), time.monotonic()
        self._rate = rate

    def join(self, waiter: object, ceiling: int | None) -> None:
        self.waiters += 1
        if ceiling is not None:
            self._ceilings[waiter] = ceiling

    def leave(self, waiter: object) -> None:
        """Go on from the bytes reached, as if nobody had held it back."""
        self.waiters -= 1
        self.go_at(self._rate)
        self._ceilings.pop(waiter, None)


class Downloads:
    """All downloads of one server."""

    def __init__(self, store: Store, speed: float) -> None:
        self._store = store
        self._speed = speed
        self._active: dict[str, Download] = {}
        self._moved: Counter[str] = Counter()

    @property
    def active(self) -> bool:
        return bool(self._active)

    def bytes_moved(self) -> dict[str, int]:
        """By digest: what each blob has cost so far, those on their way included."""
        moved = self._moved.copy()
        for digest, download in self._active.items():
            moved[digest] += download.completed() - download.start
        return dict(moved)

    def set_speed(self, speed: float) -> None:
        """Another speed for the downloads that run and for later ones; 0 is a standstill."""
        self._speed = speed
        for download in self._active.values():
            download.go_at(speed)

    async def fetch(
        self, blob: Layer, *, rate: float | None = None, ceiling: int | None = None
    ) -> AsyncGenerator[int]:
        """Yield the bytes reached about each 60 ms, until the blob is there.

        `rate` is another speed than all others have (bytes a second), `ceiling` the bytes at
        which this waiter holds the download back.

        Closing the generator leaves the download; the last one to leave stops it, and what has
        been reached is kept.
        """
        waiter = object()
        download = self._active.get(blob.digest)
        if download is None:
            start = self._store.partials.get(blob.digest, 0)
            speed = self._speed if rate is None else rate
            download = self._active[blob.digest] = Download(blob, speed, start)
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
            self._account(download, download.blob.size)
            self._store.add_blob(download.blob)

    def _stop(self, download: Download) -> None:
        reached = download.completed()
        self._account(download, reached)
        self._store.partials[download.blob.digest] = reached
        self._store.save()

    def _account(self, download: Download, reached: int) -> None:
        self._active.pop(download.blob.digest, None)
        self._moved[download.blob.digest] += reached - download.start
