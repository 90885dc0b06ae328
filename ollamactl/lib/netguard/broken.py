"""How an exchange can fail on the network, whichever library it goes through.

Callers turn these into sentences: what they mean depends on who was called.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp


class Broken(Exception):
    """There is no whole answer."""


class NotConnected(Broken):
    """Nobody took the connection, or not in time."""


class TlsRefused(NotConnected):
    """The certificate is not trusted, or what answers speaks no TLS."""


class Silent(Broken):
    """Connected, but nothing came for too long."""


class NotHttp(Broken):
    """What came is no head of an HTTP answer, or one without end."""


class HungUp(Broken):
    """The connection was closed before anything came."""


class CutOff(Broken):
    """The connection broke in the middle."""


@contextmanager
def breaks_named(*, answering: bool) -> Iterator[None]:
    """Turn aiohttp's errors into ours. `answering`: the head of the answer has come."""
    try:
        yield
    except aiohttp.ClientError as error:
        raise _named(error, answering)(str(error)) from error


def _named(error: aiohttp.ClientError, answering: bool) -> type[Broken]:
    if isinstance(error, aiohttp.ClientSSLError) or _is_of_tls(error):
        return TlsRefused
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return NotConnected
    if isinstance(error, aiohttp.ServerTimeoutError):
        return Silent
    if isinstance(error, aiohttp.ClientResponseError):
        return NotHttp
    if isinstance(error, aiohttp.InvalidURL):
        return NotConnected
    if isinstance(error, aiohttp.ServerDisconnectedError) and not answering:
        return HungUp
    return CutOff


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
