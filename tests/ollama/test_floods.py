"""Servers that send without end, or in crumbs: what they cost is bounded."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import (
    BadAnswer,
    CertificateRefused,
    NotOllama,
    OllamaError,
    ServerError,
    TimedOut,
    TooLarge,
)
from models_app.ollama.list_digest import list_digest
from tests.helpers.certificates import server_certificate
from tests.helpers.raw_http import (
    Handler,
    RawRequest,
    answer_bytes,
    raw_server,
    say,
    say_then_hang,
    stream_head,
)

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def crumbs(text: bytes) -> bytes:
    """A body of one byte a chunk."""
    return CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in text) + b"0\r\n\r\n"


def endless(head: bytes, piece: bytes) -> Handler:
    """A handler that never stops sending."""

    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    return handler


async def failure(handler: Handler, call: str = "version", total_s: float = 20) -> OllamaError:
    async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
        with pytest.raises(OllamaError) as caught:
            await getattr(client, call)(total_s=total_s)
    return caught.value


async def test_headers_without_end() -> None:
    found = await failure(endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 100))
    assert type(found) is NotOllama


@pytest.mark.parametrize("call", ["version", "ps", "tags"])
async def test_a_body_without_end(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models_app.ollama.client.TAGS_BYTES", 5_000_000)
    head = CHUNKED + b"c\r\n" + b'{"models": [' + b"\r\n"
    found = await failure(endless(head, b"3e8\r\n" + b" " * 1000 + b"\r\n"), call)
    assert type(found) in (TooLarge, TimedOut)


async def test_a_small_answer_in_crumbs_is_one_and_a_large_one_is_not() -> None:
    async with (
        raw_server(say(crumbs(b'{"version": "0.24.0"}'))) as server,
        OllamaClient(Endpoint(server.url)) as client,
    ):
        assert await client.version() == "0.24.0"
    found = await failure(say(crumbs(b" " * 5000)))
    assert type(found) is TooLarge
    assert "pieces" in str(found)


async def test_more_models_than_there_can_be() -> None:
    many = json.dumps({"models": [1] * 250_000})
    assert type(await failure(say(answer_bytes(many)), "tags", total_s=120)) is TooLarge


async def test_an_entry_longer_than_any() -> None:
    large = json.dumps({"models": [{"name": "x", "more": "x" * 400_000}]})
    assert type(await failure(say(answer_bytes(large)), "tags")) is BadAnswer


async def test_the_digest_of_a_list_needs_no_order() -> None:
    models = [{"name": f"m{n}", "size": n, "digest": f"{n:064x}"} for n in range(50)]
    digests = set()
    for listed in (models, models[::-1], [*models, *models[:3]], [*models, 5, {}]):
        handler = say(answer_bytes(json.dumps({"models": listed})))
        async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
            digests |= {
                await client.tags_digest(also=lambda some: None),
                list_digest(await client.tags()),
            }
    assert len(digests) == 1
    assert digests != {list_digest([])}


async def lines_of(*parts: bytes) -> int:
    """How many lines of a pull are read."""
    count = 0
    async with (
        raw_server(say(stream_head(), *parts)) as server,
        OllamaClient(Endpoint(server.url)) as client,
    ):
        async for _line in client.pull("x"):
            count += 1
    return count


async def test_a_flood_of_lines_is_read_slowly() -> None:
    line = b'{"status": "pulling manifest"}\n'
    begun = time.monotonic()
    assert await lines_of(line * 4500, b'{"status": "success"}\n') == 4501
    assert time.monotonic() - begun > 1  # 2,000 a second


async def test_a_line_without_end() -> None:
    begun = time.process_time()
    with pytest.raises(TooLarge):
        await lines_of(*[b"x" * 500] * 2500)
    assert time.process_time() - begun < 3


@pytest.mark.parametrize("then", ["it never ends", "nothing comes"])
@pytest.mark.parametrize("call", ["pull", "tags"])
async def test_an_error_that_is_told_without_end(
    call: str, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its status is the error: it is neither kept nor waited for."""
    monkeypatch.setattr("models_app.ollama.wire._ERROR_SECONDS", 1.0)
    head = b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n"
    handler = endless(head, b"x" * 65_536) if then == "it never ends" else say_then_hang(head)
    async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
        asked = client.tags() if call == "tags" else anext(client.pull("x"))
        async with asyncio.timeout(15):
            with pytest.raises(ServerError):
                await asked


async def test_a_certificate_of_another_name(tmp_path: Path) -> None:
    tls, ca_pem = server_certificate(tmp_path, "other.test")
    async with raw_server(say(answer_bytes('{"version": "1"}')), tls=tls) as server:
        endpoint = Endpoint(server.url, ca_pem=ca_pem)
        async with OllamaClient(endpoint) as client:
            with pytest.raises(CertificateRefused, match="not trusted"):
                await client.version()
