"""Asking servers how they are: the network's half of a check. No database here."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import SimpleQueue

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from models_app.choices import ServerStatus
from models_app.endpoints import client_of
from models_app.models import OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import Busy, OllamaError, ServerError, Unauthorized
from models_app.ollama.types import LoadedModel, TagEntry
from ollamactl.lib.sentences import Sentence

logger = logging.getLogger(__name__)

# Version and running models together; a server that needs longer does not answer.
SECONDS = 3.0
LIST_SECONDS = 20.0
SLOW_MS = 1000.0
# Looks and lists under way at once; the others wait, and their time begins later.
LOOKS_AT_ONCE = 64
LISTS_AT_ONCE = 8
SEEN = (ServerStatus.ONLINE, ServerStatus.DEGRADED)


@dataclass(frozen=True)
class Finding:
    """What one look at one server brought. `server` is the row as it was when it was asked."""

    server: OllamaServer
    begun: datetime
    status: ServerStatus
    reason: str = ""
    message: object = ""
    version: str = ""
    latency_ms: float | None = None
    loaded: list[LoadedModel] | None = None


@dataclass(frozen=True)
class ListSeen:
    """What a server lists, as one number to compare."""

    server: OllamaServer
    digest: str


News = Finding | ListSeen
_PARTLY = ServerStatus.DEGRADED


def look_at(servers: Sequence[OllamaServer], *, lists: bool = True) -> Iterator[News]:
    """Ask these servers side by side; what each says comes as soon as it does.

    `lists`: ask for the list of models too where that is due, after the finding.
    """
    found: SimpleQueue[News | None] = SimpleQueue()

    def ask() -> None:
        try:
            asyncio.run(_ask_all(servers, found, lists=lists))
        finally:
            found.put(None)

    # A loop of its own: what a thousand servers answer must not keep the streams waiting.
    threading.Thread(target=ask, name="look", daemon=True).start()
    while (news := found.get()) is not None:
        yield news


def list_digest(tags: Sequence[TagEntry]) -> str:
    """A number that is another one when the server's list is another one."""
    lines = sorted(f"{entry.name.full} {entry.digest} {entry.size}" for entry in tags)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


async def _ask_all(
    servers: Sequence[OllamaServer], found: SimpleQueue[News | None], *, lists: bool
) -> None:
    looks, reads = asyncio.Semaphore(LOOKS_AT_ONCE), asyncio.Semaphore(LISTS_AT_ONCE)

    async def ask(server: OllamaServer) -> None:
        async with looks:
            finding = await _look(server)
        found.put(finding)
        if lists and finding.status in SEEN and _list_is_due(server):
            async with reads:
                if (digest := await _read_list(server)) is not None:
                    found.put(ListSeen(server, digest))

    answers = await asyncio.gather(*(ask(server) for server in servers), return_exceptions=True)
    for broken in filter(None, answers):
        logger.error("A look at a server broke", exc_info=broken)


async def _look(server: OllamaServer) -> Finding:
    begun = timezone.now()
    try:
        async with asyncio.timeout(SECONDS), client_of(server) as client:
            return await _question(server, client, begun)
    except TimeoutError:
        return Finding(server, begun, ServerStatus.OFFLINE, "timeout", _no_answer())
    except OllamaError as error:
        return Finding(server, begun, _status_of(error), error.code, error.detail)


async def _question(server: OllamaServer, client: OllamaClient, begun: datetime) -> Finding:
    asked_at = time.perf_counter()
    version = await client.version()
    latency_ms = round((time.perf_counter() - asked_at) * 1000, 1)
    try:
        loaded = await client.ps()
    except OllamaError as error:
        # It says who it is, but not what it runs: it answers in part.
        status = ServerStatus.UNAUTHORIZED if isinstance(error, Unauthorized) else _PARTLY
        return Finding(server, begun, status, error.code, error.detail, version, latency_ms)
    if latency_ms > SLOW_MS:
        return Finding(server, begun, _PARTLY, "slow", _slow(), version, latency_ms, loaded)
    return Finding(
        server, begun, ServerStatus.ONLINE, version=version, latency_ms=latency_ms, loaded=loaded
    )


async def _read_list(server: OllamaServer) -> str | None:
    try:
        async with asyncio.timeout(LIST_SECONDS), client_of(server) as client:
            return list_digest(await client.tags())
    except (OllamaError, TimeoutError):
        return None  # asked again when it is due again


def _no_answer() -> Sentence:
    text = gettext_noop(
        "No answer within {seconds} s. Is the server overloaded or the network slow?"
    )
    return Sentence(text, seconds=int(SECONDS))


def _slow() -> Sentence:
    text = gettext_noop(
        "It takes more than {seconds} s to answer. Is it overloaded or the network slow?"
    )
    return Sentence(text, seconds=int(SLOW_MS / 1000))


def _status_of(error: OllamaError) -> ServerStatus:
    if isinstance(error, Unauthorized):
        return ServerStatus.UNAUTHORIZED
    # It answers, in Ollama's words, that it cannot: that is not the same as silence.
    return _PARTLY if isinstance(error, (Busy, ServerError)) else ServerStatus.OFFLINE


def _list_is_due(server: OllamaServer) -> bool:
    """Only of a server that was there before: one that comes (back) is synced anyway."""
    seen = server.tags_seen_at
    # Either way: a clock that was put back must not keep the list unread until it is there again.
    due = seen is None or abs(timezone.now() - seen) > timedelta(seconds=settings.TAGS_INTERVAL)
    return server.status in SEEN and due
