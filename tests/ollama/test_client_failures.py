"""The client against servers that are down, slow, hostile or no Ollama at all."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest

from models_app.ollama import client as client_module
from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import (
    BadAnswer,
    Busy,
    CertificateRefused,
    DiskFull,
    InvalidRequest,
    LoadFailed,
    ModelMissing,
    NotOllama,
    OllamaError,
    OutOfMemory,
    RequestRefused,
    ServerError,
    TimedOut,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from ollamactl.lib.sentences import from_stored, to_stored
from tests.helpers.certificates import server_certificate
from tests.helpers.raw_http import Handler, answer_bytes, raw_server, say, say_then_hang

HTML = "<!doctype html><script>alert('secret')</script>"


async def failure_of(handler: Handler, *, call: str = "version") -> OllamaError:
    """The error of one call to a server that answers so; its sentence is held to the rules."""
    async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
        with pytest.raises(OllamaError) as caught:
            await (
                getattr(client, call)() if call in ("version", "tags", "ps") else client.load("x")
            )
    sentence = str(caught.value.detail)
    assert sentence[-1] in ".!?…"
    assert "script" not in sentence
    return caught.value


def status(line: str, body: str = "", content_type: str = "text/plain") -> Handler:
    return say(answer_bytes(body, status=line, content_type=content_type))


def error(line: str, words: str) -> Handler:
    return say(answer_bytes(json.dumps({"error": words}), status=line))


@pytest.mark.parametrize(
    ("handler", "kind", "retryable"),
    [
        (status("401 Unauthorized"), Unauthorized, False),
        (status("401 Unauthorized", HTML, "text/html"), Unauthorized, False),
        (status("407 Proxy Authentication Required"), Unauthorized, False),
        (status("403 Forbidden"), Unauthorized, False),
        (status("301 Moved Permanently"), NotOllama, False),
        (
            say(answer_bytes("", status="302 Found", headers={"Location": "/login"})),
            NotOllama,
            False,
        ),
        (
            say(answer_bytes("", status="302 Found", headers={"Location": "http://[x"})),
            NotOllama,
            False,
        ),
        (status("404 Not Found", HTML, "text/html"), NotOllama, False),
        (status("405 Method Not Allowed"), NotOllama, False),
        (status("429 Too Many Requests"), Busy, True),
        (error("503 Service Unavailable", "server busy, please try again"), Busy, True),
        (status("503 Service Unavailable", HTML, "text/html"), Busy, True),
        (status("500 Internal Server Error"), ServerError, True),
        (status("500 Internal Server Error", HTML, "text/html"), ServerError, True),
        (status("502 Bad Gateway", HTML, "text/html"), Unreachable, True),
        (status("504 Gateway Timeout", HTML, "text/html"), TimedOut, True),
        (status("200 OK", HTML, "text/html"), NotOllama, False),
        (status("200 OK", HTML, "application/json"), NotOllama, False),
        (status("200 OK", "Ollama is running"), BadAnswer, False),
        (status("200 OK", ""), BadAnswer, False),
        (status("200 OK", "[1, 2]", "application/json"), BadAnswer, False),
        (say(answer_bytes(b'{"version": "\xff"}')), BadAnswer, False),
        (status("200 OK", '{"version": NaN}'), NotOllama, False),
        (status("200 OK", '{"version": {"a": 1}}'), NotOllama, False),
        (status("200 OK", '{"version": "<b>1</b>"}'), NotOllama, False),
        (status("200 OK", '{"version": "1\\u0000"}'), NotOllama, False),
        (status("200 OK", "[" * 50_000), BadAnswer, False),
        (say(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"), NotOllama, False),
        (say(b""), Unreachable, True),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"), Unreachable, True),
    ],
)
async def test_wrong_answers_have_names(
    handler: Handler, kind: type[OllamaError], retryable: bool
) -> None:
    failure = await failure_of(handler)
    assert type(failure) is kind
    assert failure.retryable is retryable
    assert failure.code == kind.code


@pytest.mark.parametrize("call", ["tags", "ps"])
@pytest.mark.parametrize(
    "body", ["{}", '{"models": 5}', '{"models": {"a": 1}}', '{"models": "x"}', '{"version": "1"}']
)
async def test_a_list_that_is_missing_is_not_an_empty_one(call: str, body: str) -> None:
    failure = await failure_of(status("200 OK", body), call=call)
    assert type(failure) is BadAnswer


@pytest.mark.parametrize(
    ("line", "words", "kind", "retryable"),
    [
        ("404 Not Found", "model 'x' not found", ModelMissing, False),
        ("400 Bad Request", "invalid model name", InvalidRequest, False),
        ("400 Bad Request", "strange request", RequestRefused, False),
        ("403 Forbidden", "ollama cloud is disabled", RequestRefused, False),
        ("500 Internal Server Error", "something odd", ServerError, True),
        ("500 Internal Server Error", "write /x: no space left on device", DiskFull, False),
        (
            "500 Internal Server Error",
            "model requires more system memory (9 GiB) than is available (1 GiB)",
            OutOfMemory,
            False,
        ),
        (
            "500 Internal Server Error",
            "llama runner process has terminated: exit status 2",
            LoadFailed,
            False,
        ),
        ("503 Service Unavailable", "server busy", Busy, True),
        ("200 OK", "model 'x' exploded", ServerError, True),
    ],
)
async def test_ollamas_own_words_decide(
    line: str, words: str, kind: type[OllamaError], retryable: bool
) -> None:
    failure = await failure_of(error(line, words), call="load")
    assert type(failure) is kind
    assert failure.retryable is retryable
    assert failure.extra["ollama"] == words


async def test_ollamas_words_are_bounded_and_clean() -> None:
    failure = await failure_of(
        error("500 Oops", "a\x1b[31m\x00b\n\u202e" + "long " * 200), call="load"
    )
    words = failure.extra["ollama"]
    assert words.startswith("a[31mb ")
    assert len(words) == 300
    assert words in str(failure.detail)


async def test_a_stored_failure_reads_the_same_later() -> None:
    failure = await failure_of(error("500 Oops", 'odd {words} "quoted" {0}'), call="load")
    assert str(from_stored(to_stored(failure))) == str(failure.detail)
    failure = await failure_of(status("403 Forbidden"))
    assert str(from_stored(to_stored(failure))) == str(failure.detail)


async def test_a_cloud_model_says_how_to_sign_in() -> None:
    body = '{"error": "unauthorized", "signin_url": "https://evil.example/"}'
    failure = await failure_of(status("401 Unauthorized", body), call="load")
    assert "ollama signin" in str(failure.detail)
    assert "evil" not in str(failure.detail)


async def test_a_host_refused_by_ollama_says_what_to_change() -> None:
    failure = await failure_of(status("403 Forbidden"))
    assert "OLLAMA_HOST" in str(failure.detail)


async def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with OllamaClient(Endpoint(url, label="GPU box")) as client:
            with pytest.raises(Unreachable, match="“GPU box” does not answer"):
                await client.version()


async def test_an_unknown_name() -> None:
    async with OllamaClient(Endpoint("http://no-such-host.invalid:11434")) as client:
        with pytest.raises(Unreachable, match="spelling"):
            await client.version()


async def test_a_server_that_hangs_costs_the_limit_and_no_more() -> None:
    for handler in (
        say_then_hang(),
        say_then_hang(b"HTTP/1.1 200 OK\r\n"),
        say_then_hang(answer_bytes("x" * 9)[:-1]),
    ):
        async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
            started = time.monotonic()
            with pytest.raises(TimedOut) as caught:
                await client.version(total_s=0.2)
            assert time.monotonic() - started < 2
            assert caught.value.retryable
            await asyncio.wait_for(server.client_gone.wait(), 5)


async def test_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    large = json.dumps({"version": "1", "padding": "x" * 1_000_000})
    assert type(await failure_of(status("200 OK", large))) is TooLarge
    endless = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[b"x" * 100_000] * 20]
    assert type(await failure_of(say(*endless), call="ps")) is TooLarge
    monkeypatch.setattr(client_module, "TAGS_BYTES", 5_000_000)
    many = json.dumps({"models": [{"name": f"m{n}", "size": n} for n in range(50_000)]})
    async with (
        raw_server(status("200 OK", many)) as server,
        OllamaClient(Endpoint(server.url)) as client,
    ):
        assert len(await client.tags()) == 50_000
    assert type(await failure_of(status("200 OK", " " * 5_000_001), call="tags")) is TooLarge


async def test_a_large_error_page_is_still_the_error() -> None:
    page = status("500 Internal Server Error", HTML + "x" * 2_000_000, "text/html")
    assert type(await failure_of(page)) is ServerError


async def test_a_compressed_answer_is_refused() -> None:
    packed = say(answer_bytes(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}))
    assert type(await failure_of(packed)) is BadAnswer


async def test_certificates(tmp_path: Path) -> None:
    tls, ca_pem = server_certificate(tmp_path, "127.0.0.1")
    async with raw_server(status("200 OK", '{"version": "1"}'), tls=tls) as server:
        async with OllamaClient(Endpoint(server.url)) as client:
            with pytest.raises(CertificateRefused):
                await client.version()
        async with OllamaClient(Endpoint(server.url, ca_pem=ca_pem)) as client:
            assert await client.version() == "1"
    with pytest.raises(InvalidRequest):
        OllamaClient(Endpoint("https://127.0.0.1", ca_pem="no certificate"))


async def test_https_asked_of_a_server_that_speaks_http() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer_bytes("", status="400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with OllamaClient(Endpoint(f"https://127.0.0.1:{port}")) as client:
            with pytest.raises(CertificateRefused):
                await client.version()
