"""One HTTP exchange with an Ollama server: limits held, failures named, JSON read.

https://github.com/ollama/ollama/blob/v0.24.0/docs/api.md
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from django.utils.translation import gettext_lazy as _

from models_app.ollama.bodies import beside, pieces, split_lines
from models_app.ollama.complaints import complaint, own_words
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import (
    BadAnswer,
    CertificateRefused,
    InvalidRequest,
    NotOllama,
    OllamaError,
    StreamCut,
    TimedOut,
    TooLarge,
    Unreachable,
)
from models_app.ollama.json_list import ListReader, NoSuchList
from models_app.ollama.statuses import error_of_status
from models_app.ollama.untrusted import JsonObject, parse_object
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard import (
    AddressRefused,
    AnswerTooLarge,
    Broken,
    CutOff,
    EncodedAnswer,
    GuardedClient,
    Incoming,
    NameNotResolved,
    NotConnected,
    NotHttp,
    Silent,
    TlsRefused,
)
from ollamactl.lib.sentences import Sentence

ONE_MEGABYTE = 1_000_000
_PEEK = 100
_ERROR_SECONDS = 5.0

Payload = Mapping[str, object]
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON answer, and the server's clock when it gave it."""

    data: JsonObject
    date: dt.datetime


class Wire:
    """The connections to one server. For one event loop; close it."""

    def __init__(self, endpoint: Endpoint) -> None:
        try:
            endpoint.check()
        except InvalidInput as error:
            raise InvalidRequest(error.detail, attr=error.attr) from error
        self._server = endpoint.shown
        self._client = GuardedClient(
            endpoint.policy(),
            base_url=endpoint.base_url,
            headers={"Accept": "application/json", **endpoint.auth_headers()},
        )

    async def aclose(self) -> None:
        """Close the connections, those in use too."""
        await self._client.aclose()

    async def status_of_head(self, path: str, *, total_s: float) -> int:
        """The status of a HEAD request, 200 or 404; any other raises."""
        with self._failures_named():
            async with asyncio.timeout(total_s), self._open("HEAD", path, None, 0) as response:
                if response.status in (200, 404):
                    return response.status
                raise self._bad_status(response, b"", pulling=False)

    async def call(
        self,
        method: str,
        path: str,
        payload: Payload | None = None,
        *,
        total_s: float,
        max_bytes: int = ONE_MEGABYTE,
        may_be_empty: bool = False,
    ) -> Reply:
        """Send, wait at most `total_s` for the whole answer, and read its JSON object."""
        with self._failures_named():
            async with (
                asyncio.timeout(total_s),
                self._open(method, path, payload, max_bytes) as response,
            ):
                if response.status != 200:
                    raise self._bad_status(response, await _error_body(response), pulling=False)
                body = await response.body()
        if not body.strip() and may_be_empty:
            return Reply({}, _date_of(response))
        data = await beside(len(body), parse_object, body)
        if data is None:
            raise self._no_json(response, body)
        if words := own_words(data):
            raise complaint(words, status=200, pulling=False)
        return Reply(data, _date_of(response))

    async def read_list(
        self,
        path: str,
        name: str,
        take: Callable[[list[object]], None],
        *,
        total_s: float,
        max_bytes: int,
    ) -> None:
        """GET an object, and hand `take` the entries of its list `name` as they come.

        `take` runs in a thread of its own now and then, one call at a time. A list that is missing
        raises: an empty one means that there is nothing, its absence must not.
        """
        reader = ListReader(name)
        first = b""
        with self._failures_named():
            async with (
                asyncio.timeout(total_s),
                self._open("GET", path, None, max_bytes) as response,
            ):
                if response.status != 200:
                    raise self._bad_status(response, await _error_body(response), pulling=False)
                try:
                    async with aclosing(pieces(response.pieces())) as body:
                        async for piece in body:
                            first = first or piece[:_PEEK]
                            await beside(len(piece), lambda raw: take(reader.feed(raw)), piece)
                    take(reader.close())
                except NoSuchList:
                    raise self._no_json(response, first) from None
        if words := own_words(reader.rest):
            raise complaint(words, status=200, pulling=False)
        if not reader.is_there:
            raise self._no_json(response, b"")

    async def lines(
        self,
        path: str,
        payload: Payload,
        *,
        silence_s: Callable[[], float],
        pulling: bool = True,
    ) -> AsyncGenerator[JsonObject, None]:
        """POST, and each line of the answer as a JSON object, for as long as lines come.

        `silence_s` is asked before each line for the longest wait. Closing the generator closes the
        connection, by which Ollama gives up the work. An error line raises; `pulling` says whether
        it may be about a registry.
        """
        with self._failures_named(streaming=True, pulling=pulling):
            async with self._open_in_time(path, payload, silence_s()) as response:
                if response.status != 200:
                    raise self._bad_status(response, await _error_body(response), pulling=pulling)
                async with (
                    aclosing(response.pieces()) as chunks,
                    aclosing(split_lines(chunks, silence_s)) as lines,
                ):
                    async for line in lines:
                        yield self._read_line(response, line, pulling=pulling)

    def _read_line(self, response: Incoming, line: bytes, *, pulling: bool) -> JsonObject:
        data = parse_object(line)
        if data is None:
            raise self._no_json(response, line)
        if words := own_words(data):
            raise complaint(words, status=200, pulling=pulling)
        return data

    @asynccontextmanager
    async def _open_in_time(
        self, path: str, payload: Payload, limit_s: float
    ) -> AsyncIterator[Incoming]:
        async with asyncio.timeout(limit_s) as clock:
            async with self._open("POST", path, payload, None) as response:
                clock.reschedule(None)  # the limit was for the head of the answer
                yield response

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, payload: Payload | None, max_bytes: int | None
    ) -> AsyncIterator[Incoming]:
        # To load, unload, pull or delete twice is to do it once.
        async with self._client.stream(
            method,
            path,
            headers=JSON if payload is not None else None,
            content=json.dumps(payload).encode() if payload is not None else None,
            most=max_bytes,
            repeatable=True,
        ) as response:
            yield response

    def _bad_status(self, response: Incoming, body: bytes, *, pulling: bool) -> OllamaError:
        return error_of_status(response.status, body, server=self._server, pulling=pulling)

    def _no_json(self, response: Incoming, body: bytes) -> OllamaError:
        kind = response.headers.get("Content-Type", "").lower()
        if "html" in kind or body.lstrip()[:1] == b"<":
            return NotOllama(
                Sentence(
                    _(
                        "A web page answers at “{server}”, not Ollama. Enter the address and port "
                        "of Ollama itself, usually port 11434."
                    ),
                    server=self._server,
                )
            )
        return BadAnswer(
            Sentence(
                _("“{server}” answers, but not with what Ollama sends. Check the address."),
                server=self._server,
            )
        )

    @contextmanager
    def _failures_named(self, *, streaming: bool = False, pulling: bool = False) -> Iterator[None]:
        """Turn what the network throws into our errors."""
        try:
            yield
        except (TimeoutError, Broken) as error:
            raise self._network_failure(error, streaming=streaming, pulling=pulling) from error
        except NameNotResolved as error:
            raise Unreachable(
                Sentence(
                    _("The name in the address of “{server}” is not known. Check its spelling."),
                    server=self._server,
                )
            ) from error
        except AddressRefused as error:
            raise InvalidRequest(error.detail, attr="base_url") from error
        except AnswerTooLarge as error:
            raise TooLarge(error.detail) from error
        except EncodedAnswer as error:
            raise BadAnswer(error.detail) from error

    def _network_failure(self, error: Exception, *, streaming: bool, pulling: bool) -> OllamaError:
        if isinstance(error, NotConnected):
            return self._no_connection(error)
        if isinstance(error, TimeoutError | Silent):
            return TimedOut(
                Sentence(
                    _("“{server}” is connected but does not answer in time. Try again later."),
                    server=self._server,
                )
            )
        if streaming and isinstance(error, CutOff):
            return cut_stream(self._server) if pulling else cut_answer(self._server)
        if isinstance(error, NotHttp):
            return NotOllama(
                Sentence(
                    _(
                        "What answers at “{server}” does not speak HTTP. Check the port and http "
                        "or https."
                    ),
                    server=self._server,
                )
            )
        return Unreachable(
            Sentence(
                _("The connection to “{server}” broke off. Check that Ollama runs, and try again."),
                server=self._server,
            )
        )

    def _no_connection(self, error: NotConnected) -> OllamaError:
        if isinstance(error, TlsRefused):
            return CertificateRefused(
                Sentence(
                    _(
                        "The certificate of “{server}” is not trusted, or it does not speak https. "
                        "Check http or https in the address, or add your certificate authority."
                    ),
                    server=self._server,
                )
            )
        return Unreachable(
            Sentence(
                _(
                    "“{server}” does not answer. Check that Ollama runs there, that it listens on "
                    "that address (OLLAMA_HOST), and that no firewall is between."
                ),
                server=self._server,
            )
        )


def cut_stream(server: str) -> StreamCut:
    """The error for a stream that ended before the work did."""
    return StreamCut(
        Sentence(
            _("“{server}” ended the download before it was whole. Try again; what came is kept."),
            server=server,
        )
    )


def cut_answer(server: str) -> StreamCut:
    """The error for an answer in lines that ended before it was whole."""
    return StreamCut(
        Sentence(_("“{server}” ended its answer before it was whole. Try again."), server=server)
    )


async def _error_body(response: Incoming) -> bytes:
    """What is said of an error; nothing where that is long or long in coming."""
    try:
        async with asyncio.timeout(_ERROR_SECONDS):
            return await response.body(most=ONE_MEGABYTE)
    except (AnswerTooLarge, Broken, TimeoutError):
        return b""  # the status says enough


def _date_of(response: Incoming) -> dt.datetime:
    """The server's clock, since its times are by that; ours if it does not say."""
    try:
        date = parsedate_to_datetime(response.headers.get("date", ""))
        return date if date.tzinfo else date.replace(tzinfo=dt.UTC)
    except (ValueError, TypeError, OverflowError):
        return dt.datetime.now(dt.UTC)
