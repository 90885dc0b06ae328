"""The HTTP client that keeps to a policy: aiohttp, with connections to checked addresses only.

The check sits where the connection is made, not in the URL: so the Host header, the name in TLS and
the pool's bookkeeping keep the host's name, and a pooled connection is one that was checked.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.tracing import Trace
from django.utils.translation import gettext_lazy as _
from yarl import URL

from ollamactl.lib.netguard.broken import NotConnected, breaks_named
from ollamactl.lib.netguard.connection import GuardedConnection
from ollamactl.lib.netguard.errors import AnswerTooLarge, EncodedAnswer
from ollamactl.lib.netguard.policy import Policy, ssl_context
from ollamactl.lib.netguard.resolving import GuardedResolver, guarded_socket
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size

KEPT_SECONDS = 60.0
_REPEATABLE = frozenset({"GET", "HEAD"})
# A body cut into crumbs costs a thousand times the work of one in pieces.
_FEW_CHUNKS, _SMALL_CHUNK, _MOST_CHUNKS = 1000, 64, 200_000


class Incoming:
    """An answer whose head has come; `headers` are found whatever their case."""

    def __init__(self, response: aiohttp.ClientResponse, most: int | None) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._most = most

    async def pieces(self, most: int | None = None) -> AsyncGenerator[bytes, None]:
        """The body as it comes, nothing unpacked; raises `AnswerTooLarge` or a `Broken`.

        `most` bytes may come where that is less than the request has allowed.
        """
        bounds = [bound for bound in (self._most, most) if bound is not None]
        with breaks_named(answering=True):
            if not bounds:
                async for piece in self._response.content.iter_any():
                    yield piece
            else:
                async for piece in self._bounded(min(bounds)):
                    yield piece

    async def _bounded(self, most: int) -> AsyncGenerator[bytes, None]:
        """Chunk by chunk as it was sent, since each of them costs something."""
        received = count = 0
        most_chunks = min(max(_FEW_CHUNKS, most // _SMALL_CHUNK), _MOST_CHUNKS)
        async for piece, _end in self._response.content.iter_chunks():
            received += len(piece)
            count += 1
            if received > most:
                raise _too_large(most)
            if count > most_chunks:
                raise _crumbled()
            yield piece

    async def body(self, most: int | None = None) -> bytes:
        """The whole body; bounded and raises as `pieces` does."""
        return b"".join([piece async for piece in self.pieces(most)])


class GuardedClient:
    """Calls under a `Policy`, for one event loop. Close it, or use it as `async with`.

    It never follows redirects, keeps no cookies, and ignores proxies, certificates and passwords
    that the environment or a netrc file offer.
    """

    def __init__(
        self, policy: Policy, *, base_url: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self._policy = policy
        self._base_url = base_url.rstrip("/")
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "ollamactl"}
        self._headers |= headers or {}
        self._opened: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, those in use too."""
        if self._opened is not None:
            await self._opened.close()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        most: int | None,
        silence_s: float | None = None,
        repeatable: bool = False,
    ) -> AsyncIterator[Incoming]:
        """Send, and yield the answer when its head is there; leaving early closes the connection.

        `url` comes after the base URL. `most` bytes may come, None: any number. `silence_s`: the
        longest wait for more, None: any. `repeatable`: sending it twice does no harm, as is taken
        for granted of GET and HEAD. Raises a `Broken` or an `OutboundError`.
        """
        ask = partial(
            self._session().request,
            method,
            parsed_url(self._base_url + url),
            headers=headers,
            data=content,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._policy.connect_timeout_s, sock_read=silence_s
            ),
        )
        with breaks_named(answering=False):
            response = await _sent(ask, repeatable or method in _REPEATABLE)
        async with response:
            if method == "HEAD":
                response.close()  # what may follow it all the same would be the next answer
            _check_headers(method, response, most)
            yield Incoming(response, most)

    def _session(self) -> aiohttp.ClientSession:
        """Made at the first call, since it belongs to the loop that runs then."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=_Connector(
                    limit=0,
                    keepalive_timeout=KEPT_SECONDS,
                    use_dns_cache=False,
                    resolver=GuardedResolver(self._policy),
                    socket_factory=partial(guarded_socket, self._policy),
                    ssl=ssl_context(self._policy.ca_pem),
                ),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._opened


class _Connector(aiohttp.TCPConnector):
    """Uses no connection again on which something came that nobody had asked for.

    aiohttp would take that for the next answer.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        connection: type[ResponseHandler] = GuardedConnection
        self._factory = partial(connection, loop=self._loop)

    async def _get(
        self, key: ConnectionKey, traces: list[Trace]
    ) -> aiohttp.connector.Connection | None:
        while (kept := await super()._get(key, traces)) is not None:
            if kept.protocol is not None and not kept.protocol.should_close:
                return kept
            kept.close()
        return None


async def _sent(
    ask: Callable[[], Awaitable[aiohttp.ClientResponse]], again: bool
) -> aiohttp.ClientResponse:
    try:
        return await ask()
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        # The server may have closed an idle connection just as it was used again.
        if not again:
            raise
        return await ask()


def parsed_url(url: str) -> URL:
    """Raises `NotConnected` for what is no URL."""
    try:
        return URL(url)
    except ValueError as error:
        raise NotConnected("no such address") from error


def _check_headers(method: str, response: aiohttp.ClientResponse, most: int | None) -> None:
    if response.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        # A few compressed kilobytes can be gigabytes: nothing is unpacked.
        raise EncodedAnswer(
            _("The answer is compressed although that was not asked for. Check the proxy between.")
        )
    announced = response.content_length
    # Of an error the status says enough.
    bounded = most is not None and response.status < 400 and method != "HEAD"
    if bounded and announced is not None and announced > (most or 0):
        raise _too_large(most or 0)


def _crumbled() -> AnswerTooLarge:
    return AnswerTooLarge(
        _("The answer comes in more pieces than any service needs. Check what answers there.")
    )


def _too_large(limit: int) -> AnswerTooLarge:
    return AnswerTooLarge(
        Sentence(
            _("The answer is larger than {limit}, which is more than this service should send."),
            limit=format_size(limit),
        )
    )
