"""The client against a server that answers as Ollama does."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import InvalidRequest, ModelMissing, TimedOut
from models_app.ollama.names import ModelName
from tests.helpers.raw_http import (
    Handler,
    RawRequest,
    RawServer,
    answer_bytes,
    raw_server,
    routes,
    say,
)

HEX = "ab" * 32
DATE = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}


@asynccontextmanager
async def ollama(
    table: Mapping[str, Handler], path: str = ""
) -> AsyncIterator[tuple[OllamaClient, RawServer]]:
    """A client and the server that it talks to."""
    async with (
        raw_server(routes(table)) as server,
        OllamaClient(Endpoint(server.url + path, label="box")) as client,
    ):
        yield client, server


def ok(data: object, headers: Mapping[str, str] | None = None) -> Handler:
    return say(answer_bytes(json.dumps(data), headers=headers))


async def test_version_tags_ps_and_show() -> None:
    loaded = {
        "name": "x:latest",
        "digest": HEX,
        "size": 100,
        "size_vram": 75,
        "expires_at": "2025-12-31T23:59:00.5Z",
        "context_length": 4096,
    }
    table = {
        "GET /api/version": ok({"version": "0.24.0"}),
        "GET /api/tags": ok({"models": [{"name": "x:latest", "digest": HEX, "size": 5}]}),
        "GET /api/ps": ok({"models": [loaded]}, headers=DATE),
        "POST /api/show": ok({"capabilities": ["embedding"]}),
    }
    async with ollama(table) as (client, server):
        assert await client.version() == "0.24.0"
        (tag,) = await client.tags()
        assert (tag.name.display, tag.digest, tag.size) == ("x:latest", HEX, 5)
        (model,) = await client.ps()
        assert (model.processor, model.context_length) == ("25%/75% CPU/GPU", 4096)
        assert (await client.show("x")).capabilities == ("embedding",)
    assert server.requests[-1].json() == {"model": "x:latest"}


async def test_stopping_is_judged_by_the_servers_own_clock() -> None:
    soon = "2026-01-01T00:00:30Z"
    table = {"GET /api/ps": ok({"models": [{"name": "x", "expires_at": soon}]}, headers=DATE)}
    async with ollama(table) as (client, _server):
        (model,) = await client.ps()
    assert model.expires_at == dt.datetime(2026, 1, 1, 0, 0, 30, tzinfo=dt.UTC)
    assert not model.stopping, "for the server it is still 30 seconds ahead"


async def test_no_models_is_an_empty_list_however_it_is_written() -> None:
    nothings: tuple[object, ...] = ([], None)
    for nothing in nothings:
        table = {"GET /api/tags": ok({"models": nothing}), "GET /api/ps": ok({"models": nothing})}
        async with ollama(table) as (client, _server):
            assert await client.tags() == []
            assert await client.ps() == []


async def test_a_path_before_the_api_is_kept() -> None:
    async with ollama({"GET /gpu1/api/version": ok({"version": "1.0"})}, "/gpu1/") as (client, _):
        assert await client.version() == "1.0"


@pytest.mark.parametrize(
    ("kind", "credentials", "header", "value"),
    [
        ("none", {}, "authorization", None),
        ("bearer", {"token": "t0ken"}, "authorization", "Bearer t0ken"),
        ("basic", {"username": "me", "password": "päss"}, "authorization", "Basic bWU6cMOkc3M="),
        ("header", {"name": "X-Key", "value": "k"}, "x-key", "k"),
    ],
)
async def test_credentials(
    kind: str,
    credentials: dict[str, str],
    header: str,
    value: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "belongs to somebody else")
    async with raw_server(ok({"version": "1"})) as server:
        endpoint = Endpoint(server.url, kind, credentials)
        async with OllamaClient(endpoint) as client:
            await client.version()
        assert server.requests[0].headers.get(header) == value
        assert not any(
            secret in repr(endpoint) for secret in credentials.values() if len(secret) > 2
        )


@pytest.mark.parametrize(
    ("kind", "credentials", "attr"),
    [
        ("bearer", {}, "credentials"),
        ("bearer", {"token": "a\r\nHost: evil"}, "credentials"),
        ("bearer", {"token": "tökén"}, "credentials"),
        ("basic", {"username": "a:b", "password": ""}, "credentials"),
        ("header", {"name": "Host", "value": "x"}, "credentials"),
        ("header", {"name": "Content-Length", "value": "5"}, "credentials"),
        ("header", {"name": "a b", "value": "x"}, "credentials"),
        ("magic", {}, "auth_kind"),
    ],
)
async def test_credentials_that_cannot_be_sent(
    kind: str, credentials: dict[str, str], attr: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        OllamaClient(Endpoint("http://127.0.0.1:1", kind, credentials))
    assert caught.value.attr == attr
    assert "evil" not in str(caught.value.detail)


@pytest.mark.parametrize("url", ["", "ftp://x", "http://u:p@x", "http://169.254.169.254"])
async def test_addresses_that_cannot_be_right(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        OllamaClient(Endpoint(url))
    assert caught.value.attr == "base_url"


# --- load and unload ---


async def test_load_sends_the_keep_alive_as_ollama_reads_it() -> None:
    table = {"POST /api/generate": ok({"done": True, "done_reason": "load"})}
    async with ollama(table) as (client, server):
        await client.load("x")
        await client.load(ModelName.parse("team/x:7b"), keep_alive="-1")
        await client.load("x", keep_alive="10m")
    assert [request.json() for request in server.requests] == [
        {"model": "x:latest", "keep_alive": -1, "stream": False},
        {"model": "team/x:7b", "keep_alive": -1, "stream": False},
        {"model": "x:latest", "keep_alive": "10m", "stream": False},
    ]


async def test_a_model_that_only_embeds_is_loaded_by_embedding() -> None:
    refusal = answer_bytes(
        '{"error": "\\"x\\" does not support generate"}', status="400 Bad Request"
    )
    table = {
        "POST /api/generate": say(refusal),
        "POST /api/embed": ok({"model": "x", "embeddings": []}),
    }
    async with ollama(table) as (client, server):
        await client.load("x")
    assert server.requests[-1].path == "/api/embed"
    assert server.requests[-1].json() == {"model": "x:latest", "keep_alive": -1, "input": []}


def unloading(entries: list[list[dict[str, object]]]) -> dict[str, Handler]:
    """A server whose /api/ps gives each of `entries` once, then the last one for ever."""

    async def ps(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        models = entries.pop(0) if len(entries) > 1 else entries[0]
        await ok({"models": models})(request, writer)

    return {"POST /api/generate": ok({"done": True, "done_reason": "unload"}), "GET /api/ps": ps}


async def test_unload_waits_until_the_server_no_longer_lists_the_model() -> None:
    other: dict[str, object] = {"name": "y"}
    mine: dict[str, object] = {"name": "X:latest"}
    async with ollama(unloading([[mine, other], [mine, other], [other]])) as (client, server):
        await client.unload("x")
    assert server.requests[0].json() == {"model": "x:latest", "keep_alive": 0, "stream": False}
    assert [request.path for request in server.requests].count("/api/ps") == 3


async def test_unload_of_an_alias_waits_for_the_runner_that_both_share() -> None:
    async with ollama(unloading([[{"name": "origin", "digest": HEX}], []])) as (client, server):
        await client.unload("alias", digest=HEX)
    assert [request.path for request in server.requests].count("/api/ps") == 2


async def test_unload_gives_up_at_its_deadline() -> None:
    async with ollama(unloading([[{"name": "x"}]])) as (client, _server):
        with pytest.raises(TimedOut, match="still answering"):
            await client.unload("x", deadline_s=0.3)


# --- delete and blobs ---


async def test_delete() -> None:
    async with ollama({"DELETE /api/delete": say(answer_bytes(""))}) as (client, server):
        await client.delete("hf.co/u/r:q4")
    assert server.requests[0].json() == {"model": "hf.co/u/r:q4"}
    gone = answer_bytes('{"error": "model \'x\' not found"}', status="404 Not Found")
    async with ollama({"DELETE /api/delete": say(gone)}) as (client, _server):
        with pytest.raises(ModelMissing):
            await client.delete("x")


async def test_blobs() -> None:
    digest, missing = f"sha256:{HEX}", "sha256:" + "0" * 64
    table = {
        f"HEAD /api/blobs/{digest}": say(answer_bytes("")),
        f"HEAD /api/blobs/{missing}": say(answer_bytes("", status="404 Not Found")),
    }
    async with ollama(table) as (client, _server):
        assert await client.head_blob(digest)
        assert not await client.head_blob(missing)
        with pytest.raises(InvalidRequest):
            await client.head_blob("sha256:../../x")


async def test_names_are_checked_before_anything_is_sent() -> None:
    async with ollama({}) as (client, server):
        for call in (client.load("no name"), client.delete("a/b/c/d"), client.unload("")):
            with pytest.raises(InvalidRequest) as caught:
                await call
            assert caught.value.attr == "name"
    assert server.requests == []
