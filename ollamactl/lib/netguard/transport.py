"""httpx over httpcore, with connections that go to checked addresses only.

The check sits where the connection is made, not in the URL: so the Host header, the name in TLS and
the pool's bookkeeping keep the host's name, and a pooled connection is one that was checked.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, cast

import httpcore
import httpx
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.netguard.addresses import Address, judge_address
from ollamactl.lib.netguard.errors import (
    AddressRefused,
    AnswerTooLarge,
    EncodedAnswer,
    NameNotResolved,
)
from ollamactl.lib.netguard.policy import Policy, ssl_context
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size

# Threads of its own: a resolver that hangs must not use up those that everything else runs on.
_RESOLVERS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")
_MOST_ADDRESSES = 4
_FEW_CHUNKS, _SMALL_CHUNK, _MOST_CHUNKS = 1000, 64, 200_000


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of `host`, each once, in the resolver's order; raises `NameNotResolved`."""
    try:
        return [ip_address(host)]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(
            _RESOLVERS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError):
        raise NameNotResolved(
            _("The name of the host is not known. Check its spelling, and the network's DNS.")
        ) from None
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the first address of a host that is allowed and answers."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `AddressRefused` or `NameNotResolved`, or httpcore's own connection errors."""
        if not 0 < port < 65536:
            raise httpcore.ConnectError("no such port")
        try:
            async with asyncio.timeout(timeout):
                addresses = self._allowed(await resolve(host, port))[:_MOST_ADDRESSES]
                # One address that swallows packets must leave time for the next.
                share = timeout / len(addresses) if timeout else timeout
                return await self._first_that_answers(
                    addresses, port, share, local_address, socket_options
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("no connection in time") from error

    async def _first_that_answers(
        self,
        addresses: list[Address],
        port: int,
        seconds_each: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, seconds_each, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _allowed(self, addresses: list[Address]) -> list[Address]:
        allowed: list[Address] = []
        refusal: AddressRefused | None = None
        for address in addresses:
            try:
                judge_address(
                    address,
                    allow_private=self._policy.allow_private,
                    allow_loopback=self._policy.allow_loopback,
                )
            except AddressRefused as error:
                refusal = error
            else:
                allowed.append(address)
        if not allowed:
            raise refusal or NameNotResolved(_("The name of the host has no address."))
        return allowed


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """httpx's errors have the names of httpcore's."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        names = (kind.__name__ for kind in type(error).__mro__)
        mapped = next(getattr(httpx, name) for name in names if hasattr(httpx, name))
        raise mapped(str(error)) from error


class _LimitedStream(httpx.AsyncByteStream):
    """Passes bytes on until there are too many of them. `limit` None: no limit."""

    def __init__(self, source: Any, limit: int | None) -> None:
        self._source = source
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = chunks = 0
        with _as_httpx_errors():
            async for chunk in self._source:
                received += len(chunk)
                chunks += 1
                if self._limit is not None and received > self._limit:
                    raise too_large(self._limit)
                if self._limit is not None and chunks > _most_chunks(self._limit):
                    raise crumbled()
                yield chunk

    async def aclose(self) -> None:
        await self._source.aclose()


def _most_chunks(limit: int) -> int:
    """A body cut into crumbs costs a thousand times the work of one in pieces."""
    return min(max(_FEW_CHUNKS, limit // _SMALL_CHUNK), _MOST_CHUNKS)


def crumbled() -> AnswerTooLarge:
    """The error for an answer in more pieces than any service needs."""
    return AnswerTooLarge(
        _("The answer comes in more pieces than any service needs. Check what answers there.")
    )


def too_large(limit: int) -> AnswerTooLarge:
    """The error for an answer of more than `limit` bytes."""
    return AnswerTooLarge(
        Sentence(
            _("The answer is larger than {limit}, which is more than this service should send."),
            limit=format_size(limit),
        )
    )


class GuardedTransport(httpx.AsyncBaseTransport):
    """Keeps to a `Policy`: addresses, TLS, the size of an answer.

    Extensions of a request: `max_bytes` (int, or None for a stream without end) replaces the
    policy's; `repeatable` (bool) says that sending it twice does no harm, as is taken for granted
    of GET and HEAD.
    """

    def __init__(self, policy: Policy, *, keepalive_connections: int = 4) -> None:
        self._policy = policy
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context(policy.ca_pem),
            max_connections=None,
            max_keepalive_connections=keepalive_connections,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(policy),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limit = request.extensions.get("max_bytes", self._policy.max_bytes)
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=cast(httpx.AsyncByteStream, request.stream),
            extensions=request.extensions,
        )
        with _as_httpx_errors():
            answer = await self._send(outgoing)
        response = httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_LimitedStream(answer.stream, limit),
            extensions=answer.extensions,
        )
        try:
            _check_headers(request, response, limit)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def _send(self, request: httpcore.Request) -> httpcore.Response:
        if not request.extensions.get("repeatable", request.method in (b"GET", b"HEAD")):
            return await self._pool.handle_async_request(request)
        try:
            return await self._pool.handle_async_request(request)
        except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
            # The server may have closed an idle connection just as it was used again.
            return await self._pool.handle_async_request(request)

    async def aclose(self) -> None:
        await self._pool.aclose()


def _check_headers(request: httpx.Request, response: httpx.Response, limit: int | None) -> None:
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        # A few compressed kilobytes can be gigabytes: nothing is unpacked.
        raise EncodedAnswer(
            _("The answer is compressed although that was not asked for. Check the proxy between.")
        )
    announced = response.headers.get("content-length", "")
    if (
        limit is not None
        and response.status_code < 400  # of an error the status says enough
        and request.method != "HEAD"
        and announced.isascii()
        and announced.isdigit()
        and (len(announced) > 18 or int(announced) > limit)
    ):
        raise too_large(limit)
