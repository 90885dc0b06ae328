"""Asking servers how they are: the network's half of a check. No database here."""

from __future__ import annotations

import asyncio
import atexit
import logging
import resource
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from django.utils import timezone
from django.utils.translation import gettext_noop

from models_app.choices import ServerStatus
from models_app.endpoints import endpoint_of
from models_app.lateness import Lateness
from models_app.list_turns import list_turns
from models_app.models import OllamaServer
from models_app.ollama.errors import Busy, OllamaError, ServerError, Unauthorized
from models_app.ollama.kept import Kept, KeptClients
from models_app.ollama.types import LoadedModel, TagEntry
from ollamactl.lib.once import once
from ollamactl.lib.sentences import Sentence

logger = logging.getLogger(__name__)

# Version and running models together; a server that needs longer does not answer.
SECONDS = 3.0
LIST_SECONDS = 20.0
SLOW_MS = 1000.0
# Looks under way in this process at once, and those among them that have just begun. Who answers,
# answers at once: so a server that hangs costs a socket for three seconds, and nobody a turn.
LOOKS_AT_ONCE = 640
BEGINNING_AT_ONCE = 32
BEGINNING_SECONDS = 0.2
# Connections that stay open between two looks, of a fourth of the files that a process may open.
MOST_KEPT = 2000
# Of a longer list only its digest is kept.
MOST_LISTED = 500
# What has been said is handed on together: so many at most, and so long after the first at most.
TOGETHER = 50
GATHERING_SECONDS = 0.05
LISTS_GATHERING_SECONDS = 0.2
# While nobody says anything: so often it is asked whether the answers are still wanted.
CHECK_SECONDS = 0.25


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
    """What a server lists, as one number to compare; None where the list did not come.

    A short list that differs from what was synced last is kept, and what the server runs besides.
    `asked_at`: when the first of it was asked for.
    """

    server: OllamaServer
    digest: str | None
    asked_at: datetime
    tags: list[TagEntry] | None = None
    loaded: list[LoadedModel] | None = None


_PARTLY = ServerStatus.DEGRADED
_Result = TypeVar("_Result")


class _Looker:
    """A thread with an event loop: what a thousand servers answer keeps no stream waiting.

    One for the process, so that its limits hold however many ask.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._beginning = asyncio.Semaphore(BEGINNING_AT_ONCE)
        self._lateness = Lateness()
        self._clients = KeptClients(min(MOST_KEPT, _most_files() // 4))
        threading.Thread(target=self._loop.run_forever, name="look", daemon=True).start()
        atexit.register(self._close)

    def _close(self) -> None:
        """Hang up, for a moment at most: the process ends."""
        closing = asyncio.run_coroutine_threadsafe(self._clients.aclose(), self._loop)
        with suppress(TimeoutError):
            closing.result(timeout=1)

    def each(
        self,
        servers: Sequence[OllamaServer],
        ask: Callable[[OllamaServer], Awaitable[_Result | None]],
        gathering: float = GATHERING_SECONDS,
        check: Callable[[], None] = lambda: None,
    ) -> Iterator[list[_Result]]:
        """What they say, nearly as soon as they do; whose look breaks is left out.

        `check` is called while nobody says anything. When it raises, or whoever listens leaves,
        the questions that have no answer yet are dropped.
        """
        said: SimpleQueue[_Result | None] = SimpleQueue()
        questions: list[asyncio.Task[None]] = []

        async def ask_one(server: OllamaServer) -> None:
            try:
                said.put(await ask(server))
            except Exception:
                logger.exception("A look at a server broke")
                said.put(None)

        def put() -> None:  # by one word to the loop for all: each wakes it
            questions.extend(self._loop.create_task(ask_one(one)) for one in servers)

        def drop() -> None:
            for question in questions:
                question.cancel()  # nothing happens to one that was answered

        self._loop.call_soon_threadsafe(put)
        awaited = len(servers)
        try:
            while awaited:
                together = _gather(said, min(awaited, TOGETHER), gathering, check)
                awaited -= len(together)
                if known := [one for one in together if one is not None]:
                    yield known
        finally:
            if awaited:
                self._loop.call_soon_threadsafe(drop)

    async def look(self, server: OllamaServer, *, anew: bool = False) -> Finding:
        """One look. What has not answered at once goes on waiting, and lets others begin."""
        async with self._looks:
            async with self._beginning:
                look = asyncio.ensure_future(self._look_fairly(server, anew))
                while await self._comes_late(look):
                    pass
            return await look

    async def _comes_late(self, look: asyncio.Future[Finding]) -> bool:
        """Whether a look would have been done by now, were this process less busy: were others to
        begin then, all would be so slow that they time out."""
        before = self._lateness.total()
        await asyncio.wait({look}, timeout=BEGINNING_SECONDS)
        late = self._lateness.total() - before
        return not look.done() and late > BEGINNING_SECONDS / 4

    async def _look_fairly(self, server: OllamaServer, anew: bool) -> Finding:
        """Time in which this process itself was too busy is nothing that the server has done."""
        with self._lateness as lateness:
            for _attempt in range(2):
                before = lateness.total()
                finding = await self._look(server, lateness, anew)
                if finding.reason != "timeout" or lateness.total() - before < SECONDS / 4:
                    break
        return finding

    async def _look(self, server: OllamaServer, lateness: Lateness, anew: bool) -> Finding:
        begun = timezone.now()
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._clients.use(server.pk, endpoint_of(server), anew=anew) as kept,
            ):
                return await _question(server, kept, begun, lateness)
        except TimeoutError:
            return Finding(server, begun, ServerStatus.OFFLINE, "timeout", _no_answer())
        except OllamaError as error:
            return Finding(server, begun, _status_of(error), error.code, error.detail)

    async def read_list(self, server: OllamaServer, *, whole: bool) -> ListSeen:
        """What one server lists."""
        begun = timezone.now()
        seen, is_to_rest = ListSeen(server, None, begun), True  # asked again when it is due again
        try:
            async with (
                asyncio.timeout(LIST_SECONDS),
                self._clients.use(server.pk, endpoint_of(server)) as kept,
            ):
                seen = await _read_list(server, kept, begun, whole)
                is_to_rest = False
        except (OllamaError, TimeoutError):
            pass
        except asyncio.CancelledError:  # nobody waits for it: that says nothing of the server
            is_to_rest = False
            raise
        finally:
            list_turns.end(server.pk, came=not is_to_rest)
        return seen


def _most_files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _gather(
    said: SimpleQueue[_Result | None], most: int, seconds: float, check: Callable[[], None]
) -> list[_Result | None]:
    """The next thing that is said, and what follows soon: written together it costs less."""
    together: list[_Result | None] = []
    while not together:
        check()
        with suppress(Empty):
            together.append(said.get(timeout=CHECK_SECONDS))
    until = time.monotonic() + seconds
    while len(together) < most and (left := until - time.monotonic()) > 0:
        with suppress(Empty):
            together.append(said.get(timeout=left))
    return together


@once
def _the_looker() -> _Looker:
    """This process's; started at first use."""
    return _Looker()


def look_at(servers: Sequence[OllamaServer], *, anew: bool = False) -> Iterator[list[Finding]]:
    """Ask these servers side by side how they are; findings come soon after they are made.

    `anew`: on new connections, and for what was said not long ago too.
    """
    looker = _the_looker()
    return looker.each(servers, partial(looker.look, anew=anew))


def read_lists(
    servers: Sequence[OllamaServer],
    *,
    whole: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Iterator[list[ListSeen]]:
    """Ask these servers for their lists of models side by side.

    `whole`: short ones are kept although they are what was synced last, and what is in memory is
    asked now in any case. `check` raises when nobody wants them any more: then no list is waited
    for.
    """
    looker, silent = _the_looker(), {server.pk for server in servers}
    for pk in silent:
        list_turns.begin(pk)
    ask = partial(looker.read_list, whole=whole)
    try:
        for together in looker.each(servers, ask, LISTS_GATHERING_SECONDS, check):
            silent -= {seen.server.pk for seen in together}
            yield together
    finally:
        for pk in silent:  # a question may have been dropped before it was put
            list_turns.end(pk, came=True)


async def _question(
    server: OllamaServer, kept: Kept, begun: datetime, lateness: Lateness
) -> Finding:
    asked_at, late = time.perf_counter(), lateness.total()

    def took() -> float:
        seconds = time.perf_counter() - asked_at - (lateness.total() - late)
        return round(max(seconds, 0.0001) * 1000, 1)

    if version := kept.known_version():
        with suppress(OllamaError):  # who it is, and what of it works, is asked below
            loaded = await kept.ask_loaded()
            return _well(server, begun, version, took(), loaded)
        asked_at, late = time.perf_counter(), lateness.total()
    version = await kept.ask_version()
    latency_ms = took()
    try:
        loaded = await kept.ask_loaded()
    except OllamaError as error:
        kept.forget_version()
        # It says who it is, but not what it runs: it answers in part.
        status = ServerStatus.UNAUTHORIZED if isinstance(error, Unauthorized) else _PARTLY
        return Finding(server, begun, status, error.code, error.detail, version, latency_ms)
    return _well(server, begun, version, latency_ms, loaded)


def _well(
    server: OllamaServer,
    begun: datetime,
    version: str,
    latency_ms: float,
    loaded: list[LoadedModel],
) -> Finding:
    if latency_ms > SLOW_MS:
        return Finding(server, begun, _PARTLY, "slow", _slow(), version, latency_ms, loaded)
    return Finding(
        server, begun, ServerStatus.ONLINE, version=version, latency_ms=latency_ms, loaded=loaded
    )


async def _read_list(server: OllamaServer, kept: Kept, begun: datetime, whole: bool) -> ListSeen:
    short = ShortList(MOST_LISTED)
    digest = await kept.client.tags_digest(total_s=LIST_SECONDS, also=short.add)
    if short.tags is None or (digest == server.tags_hash and not whole):
        return ListSeen(server, digest, begun)
    if not whole and (lately := kept.lately_loaded()):  # the check a moment ago has asked already
        loaded, asked_at = lately
        return ListSeen(server, digest, min(asked_at, begun), short.tags, loaded)
    return ListSeen(server, digest, begun, short.tags, await kept.ask_loaded())


class ShortList:
    """Keeps a list of models while it is short, else nothing of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.tags: list[TagEntry] | None = []

    def add(self, entries: list[TagEntry]) -> None:
        """Take in some models."""
        if self.tags is not None:
            self.tags += entries
            if len(self.tags) > self._most:
                self.tags = None


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
