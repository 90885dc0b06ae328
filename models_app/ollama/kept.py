"""Clients that stay open from one question to the next.

To make a client and to connect costs more than to ask: of a server that is looked at every few
seconds the connection is kept. For one event loop.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.types import LoadedModel

# So long after its last question a client is closed; the server may be gone from the panel.
IDLE_SECONDS = 60.0
# What was said long ago is asked again: the server may have been updated meanwhile.
VERSION_SECONDS = 60.0
# For so long what is in memory is not asked again by who can wait for the next look.
LOADED_SECONDS = 5.0


@dataclass
class Kept:
    """An open client, and what its server has said not long ago: version and running models."""

    endpoint: Endpoint
    client: OllamaClient
    version: str = ""
    version_until: float = 0.0
    used_at: float = 0.0
    loaded: tuple[list[LoadedModel], datetime] | None = None
    loaded_until: float = 0.0

    def known_version(self) -> str:
        """The version; empty where it has to be asked for."""
        return self.version if time.monotonic() < self.version_until else ""

    async def ask_version(self) -> str:
        """Ask for the version, and know it for a while."""
        self.version = await self.client.version()
        self.version_until = time.monotonic() + VERSION_SECONDS
        return self.version

    def forget_version(self) -> None:
        """Have it asked again at the next question."""
        self.version_until = 0.0

    async def ask_loaded(self) -> list[LoadedModel]:
        """Ask what is in memory, and know it for a moment."""
        asked_at, until = datetime.now(UTC), time.monotonic() + LOADED_SECONDS
        self.loaded = None
        loaded = await self.client.ps()
        self.loaded, self.loaded_until = (loaded, asked_at), until
        return loaded

    def lately_loaded(self) -> tuple[list[LoadedModel], datetime] | None:
        """What is in memory, and when that was asked; None where it has to be asked for."""
        return self.loaded if time.monotonic() < self.loaded_until else None


class KeptClients:
    """At most so many, the least recently used are closed first; each for one user at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[int, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @asynccontextmanager
    async def use(self, key: int, endpoint: Endpoint, *, anew: bool = False) -> AsyncIterator[Kept]:
        """The client of `key`, a new one where none is free, or where it was for another endpoint.

        One whose use breaks off is closed: nobody knows what is still to come on its connection.
        `anew`: whatever was known is asked again, on a new connection.
        """
        kept = self._kept.pop(key, None)
        if kept is not None and (anew or kept.endpoint != endpoint):
            await kept.client.aclose()
            kept = None
        kept = kept or Kept(endpoint, OllamaClient(endpoint))
        try:
            yield kept
        except BaseException:
            await kept.client.aclose()
            raise
        await self._keep(key, kept)

    async def aclose(self) -> None:
        """Close those that nobody uses."""
        while self._kept:
            await self._kept.popitem()[1].client.aclose()

    async def _keep(self, key: int, kept: Kept) -> None:
        kept.used_at = time.monotonic()
        other = self._kept.pop(key, None)
        self._kept[key] = kept
        old = [other] if other is not None else []
        while self._kept and (len(self._kept) > self._most or self._is_idle()):
            old.append(self._kept.popitem(last=False)[1])
        for each in old:
            await each.client.aclose()

    def _is_idle(self) -> bool:
        first = next(iter(self._kept.values()))
        return time.monotonic() - first.used_at > IDLE_SECONDS
