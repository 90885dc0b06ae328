"""What the web server takes in of a request, before Django sees anything of it.

Daphne keeps a whole body on the disk before the application is called, however long it is and
whoever sends it. Here a body that no page and no program needs is refused at its first byte.
"""

from __future__ import annotations

import io
from typing import Any

from daphne import http_protocol

# Above every form and every body of the API; those have closer limits of their own.
LONGEST_BODY = 5_000_000
# Seconds in which what is still being sent is thrown away, so that the answer can be read.
LINGER = 1.0
_SENTENCE = b"The body of the request is too long.\n"
_ANSWER = b"\r\n".join(
    [
        b"HTTP/1.1 413 Content Too Large",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Length: %d" % len(_SENTENCE),
        b"Connection: close",
        b"",
        _SENTENCE,
    ]
)


class LimitedRequest(http_protocol.WebRequest):  # type: ignore[misc]
    """A request whose body is bounded, and which cannot choose the panel's root."""

    _refused = False
    _received = 0

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """The length is known; None where the body comes in chunks."""
        if length is not None and length > LONGEST_BODY:
            self._refuse()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Some of the body has come."""
        self._received += len(data)
        if self._received > LONGEST_BODY and not self._refused:
            self.content.close()
            self._refuse()
        if not self._refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        """All has come: hand it to the application."""
        # Daphne takes it for the word of a proxy, whoever it comes from.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return None if self._refused else super().process()

    def _refuse(self) -> None:
        self._refused = True
        self.content = io.BytesIO()
        self.channel.write(_ANSWER)
        self.channel.callLater(LINGER, self.channel.loseConnection)


def limit_requests() -> None:
    """Have Daphne, in this process, take in limited requests alone."""
    http_protocol.WebRequest = LimitedRequest
