"""One connection, which gives up on a peer that floods it or breaks HTTP's rules in the middle."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientPayloadError, StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import BadHttpMessage

MOST_INTERIM = 20
# Of what the network hands over at once; about 300 interim answers.
_PIECE = 8192


class GuardedConnection(ResponseHandler):
    """aiohttp's, with two bounds more.

    aiohttp reads interim answers (`100 Continue`) away without a pause, while nothing else in its
    loop goes on: at more than `MOST_INTERIM` before one answer this breaks off, as for what is no
    HTTP. And where a body breaks the rules after its head was taken, aiohttp closes the connection
    but tells nobody who reads that body.
    """

    _interim = 0
    _head_is_due = True

    def set_response_params(self, **params: Any) -> None:
        """The next answer is waited for."""
        self._interim, self._head_is_due = 0, True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Until the head has come little by little, since all of a piece is parsed at once."""
        while self._head_is_due and len(data) > _PIECE:
            self._parse(data[:_PIECE])
            data = data[_PIECE:]
        self._parse(data)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """One head has been read; heads that follow a flood are dropped."""
        if self._interim > MOST_INTERIM:
            return
        code = data[0].code
        if code == 101 or not 100 <= code < 200:
            self._head_is_due = False
        else:
            self._interim += 1
        if self._interim <= MOST_INTERIM:
            super().feed_data(data, size)
            return
        if self.transport is not None:
            self.transport.close()
        self.set_exception(BadHttpMessage("too many interim answers"))

    def _parse(self, data: bytes) -> None:
        if self.exception() is not None:
            return
        super().data_received(data)
        error, body = self.exception(), self._payload
        if error is None:
            return
        self._head_is_due = False
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(ClientPayloadError(str(error)))
