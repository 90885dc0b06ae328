"""Pulls as streams: every end but `success` is a failure with a name."""

from __future__ import annotations

import asyncio
import json

import pytest

from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import (
    BadAnswer,
    DiskFull,
    ModelMissing,
    NotOllama,
    OllamaError,
    OllamaTooOld,
    RegistryDenied,
    RegistryInsecure,
    RegistryUnreachable,
    RequestRefused,
    ServerError,
    StreamCut,
    TimedOut,
    TooLarge,
)
from models_app.ollama.types import PullLine
from tests.helpers.raw_http import (
    Handler,
    RawServer,
    answer_bytes,
    raw_server,
    say,
    say_then_hang,
    stream_head,
)

DIGEST = "sha256:" + "a" * 64
MANIFEST = {"status": "pulling manifest"}
SUCCESS = {"status": "success"}


def ndjson(*lines: object) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def stream(*lines: object) -> Handler:
    return say(stream_head(), ndjson(*lines))


async def pull(
    handler: Handler, *, silence_s: float = 5.0
) -> tuple[list[PullLine], OllamaError | None, RawServer]:
    """The lines that came, the error that ended them, and the server."""
    lines: list[PullLine] = []
    failure: OllamaError | None = None
    async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
        try:
            async for line in client.pull("x", silence_s=silence_s):
                lines.append(line)  # noqa: PERF401 - the lines before a failure count too
        except OllamaError as error:
            failure = error
    return lines, failure, server


async def test_a_whole_pull_with_omitted_zeros() -> None:
    lines, failure, server = await pull(
        stream(
            MANIFEST,
            {"status": "pulling aaaa", "digest": DIGEST, "total": 100},
            {"status": "pulling aaaa", "digest": DIGEST, "total": 100, "completed": 100},
            {"status": "verifying sha256 digest"},
            SUCCESS,
        )
    )
    assert failure is None
    assert lines == [
        PullLine("pulling manifest"),
        PullLine("pulling aaaa", DIGEST, 100, 0),
        PullLine("pulling aaaa", DIGEST, 100, 100),
        PullLine("verifying sha256 digest"),
        PullLine("success"),
    ]
    assert server.requests[0].json() == {"model": "x:latest", "insecure": False, "stream": True}


async def test_lines_in_pieces_and_without_an_end() -> None:
    raw = ndjson(MANIFEST) + b"\r\n\n" + json.dumps(SUCCESS).encode()
    pieces = [raw[i : i + 3] for i in range(0, len(raw), 3)]
    lines, failure, _server = await pull(say(stream_head(), *pieces))
    assert (failure, [line.status for line in lines]) == (None, ["pulling manifest", "success"])


@pytest.mark.parametrize(
    ("words", "kind", "retryable"),
    [
        ("pull model manifest: file does not exist", ModelMissing, False),
        ("write /m/blobs/sha256-aa-partial: no space left on device", DiskFull, False),
        ("pull model manifest: unauthorized: access denied", RegistryDenied, False),
        (
            'pull model manifest: Get "https://r/v2/": dial tcp: lookup r: no such host',
            RegistryUnreachable,
            True,
        ),
        ("max retries exceeded: EOF", RegistryUnreachable, True),
        (
            'pull model manifest: Get "https://r": http: server gave HTTP response to HTTPS client',
            RegistryInsecure,
            False,
        ),
        (
            "pull model manifest: 412: \n\nThe model you are attempting to pull requires a newer "
            "version of Ollama.",
            OllamaTooOld,
            False,
        ),
        ("digest mismatch, file must be downloaded again: want a, got b", ServerError, True),
        ("a new kind of trouble", ServerError, True),
    ],
)
async def test_an_error_line_ends_the_pull(
    words: str, kind: type[OllamaError], retryable: bool
) -> None:
    lines, failure, _server = await pull(stream(MANIFEST, {"error": words}, SUCCESS))
    assert len(lines) == 1
    assert type(failure) is kind
    assert failure.retryable is retryable


async def test_an_error_before_the_first_line_has_a_status() -> None:
    refused = say(answer_bytes('{"error": "odd name"}', status="400 Bad Request"))
    assert type((await pull(refused))[1]) is RequestRefused
    page = say(answer_bytes("<html>", content_type="text/html"))
    assert type((await pull(page))[1]) is NotOllama


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (stream(MANIFEST), StreamCut),
        (stream(), StreamCut),
        (stream({"status": "success!"}), StreamCut),
        (say(stream_head(), ndjson(MANIFEST), b'{"status": "succ'), StreamCut),
        (
            say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n", ndjson(MANIFEST)),
            StreamCut,
        ),
        (say(stream_head(), ndjson(MANIFEST), b"not json\n"), BadAnswer),
        (say(stream_head(), ndjson(MANIFEST), b"\xff\xfe\n"), BadAnswer),
        (stream(MANIFEST, [1]), BadAnswer),
        (stream(MANIFEST, {"note": "?"}), BadAnswer),
        (stream(MANIFEST, {"status": "\x00"}), BadAnswer),
        (say(stream_head(), b"x" * 1_100_000), TooLarge),
    ],
)
async def test_every_other_end_is_a_failure(handler: Handler, kind: type[OllamaError]) -> None:
    _lines, failure, _server = await pull(handler)
    assert type(failure) is kind


async def test_wrong_numbers_are_not_believed() -> None:
    odd: dict[str, object] = {"status": "pulling", "digest": DIGEST}
    lines, failure, _server = await pull(
        stream(
            {**odd, "total": -5, "completed": "7"},
            {**odd, "total": float("nan"), "completed": 1e300},
            {**odd, "total": 10, "completed": 99},
            {**odd, "total": True, "completed": None, "digest": {"a": 1}},
            SUCCESS,
        )
    )
    assert failure is None
    assert [(line.total, line.completed) for line in lines[:4]] == [
        (0, 0),
        (0, 0),
        (10, 10),
        (0, 0),
    ]
    assert lines[3].digest == ""


async def test_silence_ends_the_pull_and_the_connection() -> None:
    for handler in (
        say_then_hang(),
        say_then_hang(stream_head()),
        say_then_hang(stream_head(), ndjson(MANIFEST), b'{"status'),
    ):
        async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
            with pytest.raises(TimedOut) as caught:
                assert [line async for line in client.pull("x", silence_s=0.2)] == []
            assert caught.value.retryable
            await asyncio.wait_for(server.client_gone.wait(), 5)


async def test_bytes_that_make_no_line_are_silence() -> None:
    async def drip(_request: object, writer: asyncio.StreamWriter) -> None:
        writer.write(stream_head())
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    _lines, failure, _server = await pull(drip, silence_s=0.3)
    assert type(failure) is TimedOut


async def test_verifying_may_be_silent_for_longer() -> None:
    release = asyncio.Event()

    async def verify(_request: object, writer: asyncio.StreamWriter) -> None:
        writer.write(stream_head() + ndjson(MANIFEST, {"status": "verifying sha256 digest"}))
        await writer.drain()
        await release.wait()
        writer.write(ndjson(SUCCESS))
        await writer.drain()

    async with raw_server(verify) as server, OllamaClient(Endpoint(server.url)) as client:
        lines = client.pull("x", silence_s=0.1, verify_silence_s=30)
        assert (await anext(lines)).status == "pulling manifest"
        assert (await anext(lines)).status == "verifying sha256 digest"
        last = asyncio.ensure_future(anext(lines))
        # Longer than the ordinary limit: it must not have ended by then.
        done, _pending = await asyncio.wait({last}, timeout=0.4)
        assert not done
        release.set()
        assert (await asyncio.wait_for(last, 5)).status == "success"
        await lines.aclose()


async def test_closing_the_generator_closes_the_connection() -> None:
    handler = say_then_hang(stream_head(), ndjson(MANIFEST))
    async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:
        lines = client.pull("x")
        assert (await anext(lines)).status == "pulling manifest"
        await lines.aclose()
        await asyncio.wait_for(server.client_gone.wait(), 5)


async def test_cancelling_the_task_closes_the_connection() -> None:
    handler = say_then_hang(stream_head(), ndjson(MANIFEST))
    first_line = asyncio.Event()

    async with raw_server(handler) as server, OllamaClient(Endpoint(server.url)) as client:

        async def work() -> None:
            async for _line in client.pull("x"):
                first_line.set()

        task = asyncio.ensure_future(work())
        await asyncio.wait_for(first_line.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.client_gone.wait(), 5)


async def test_many_pulls_at_once_share_one_client() -> None:
    arrived: set[int] = set()
    everybody = asyncio.Event()

    async def wait_for_all(_request: object, writer: asyncio.StreamWriter) -> None:
        arrived.add(id(writer))
        if len(arrived) == 150:
            everybody.set()
        await everybody.wait()
        writer.write(stream_head() + ndjson(SUCCESS))
        await writer.drain()

    async with raw_server(wait_for_all) as server, OllamaClient(Endpoint(server.url)) as client:

        async def one(number: int) -> str:
            return [line.status async for line in client.pull(f"m{number}")][-1]

        assert set(await asyncio.gather(*map(one, range(150)))) == {"success"}
