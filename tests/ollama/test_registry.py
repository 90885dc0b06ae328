"""A manifest is read from the registries in the settings, and from nowhere else."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import time

import pytest

from models_app.ollama.errors import (
    ManifestMissing,
    ModelMissing,
    RegistryDenied,
    RegistryError,
    RegistryNotAllowed,
    RegistryUnreachable,
)
from models_app.ollama.names import ModelName
from models_app.ollama.registry import RegistryConfig, fetch_manifest
from tests.helpers.raw_http import Handler, answer_bytes, raw_server, routes, say, say_then_hang

A, B = "a" * 64, "b" * 64
MANIFEST = {
    "schemaVersion": 2,
    "config": {"digest": f"sha256:{B}", "size": 10},
    "layers": [
        {"digest": f"sha256:{A}", "size": 1000},
        {"digest": f"sha256:{A}", "size": 1000},
    ],
}
PATH = "GET /v2/team/x/manifests/7b"


async def fetch_from(handler: Handler, **options: float) -> object:
    """Ask a plain http registry of the settings for `<host>:<port>/team/x:7b`."""
    async with raw_server(handler) as server:
        config = RegistryConfig(
            allowed_hosts=frozenset(), insecure_hosts=frozenset({f"127.0.0.1:{server.port}"})
        )
        name = ModelName.parse(f"127.0.0.1:{server.port}/team/x:7b")
        return await fetch_manifest(name, config=config, **options)


async def test_a_manifest() -> None:
    # Spaces and all: the digest is of the bytes, not of their meaning.
    raw = json.dumps(MANIFEST, indent=3).encode()
    async with raw_server(routes({PATH: say(answer_bytes(raw))})) as server:
        config = RegistryConfig(insecure_hosts=frozenset({"127.0.0.1"}))
        name = ModelName.parse(f"127.0.0.1:{server.port}/team/x:7b")
        manifest = await fetch_manifest(name, config=config)
    assert manifest.digest == hashlib.sha256(raw).hexdigest()
    assert manifest.layers == {f"sha256:{A}": 1000, f"sha256:{B}": 10}
    assert manifest.total_bytes == 1010
    assert "manifest.v2+json" in server.requests[0].headers["accept"]


async def test_one_address_can_stand_for_every_registry() -> None:
    table = {"GET /v2/library/llama3.2/manifests/latest": say(answer_bytes(json.dumps(MANIFEST)))}
    async with raw_server(routes(table)) as server:
        config = RegistryConfig(allowed_hosts=frozenset(), base_url=server.url)
        manifest = await fetch_manifest(ModelName.parse("llama3.2"), config=config)
    assert manifest.total_bytes == 1010


async def test_a_registry_outside_the_settings_is_not_asked() -> None:
    async with raw_server(say(answer_bytes("{}"))) as server:
        name = ModelName.parse(f"127.0.0.1:{server.port}/team/x")
        for config in (RegistryConfig(), RegistryConfig(allowed_hosts=frozenset({"127.0.0.1:1"}))):
            with pytest.raises(RegistryNotAllowed, match=r"127\.0\.0\.1"):
                await fetch_manifest(name, config=config)
    assert server.requests == []


async def test_the_public_registries_are_never_found_at_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))
    monkeypatch.setattr(
        "ollamactl.lib.netguard.resolving.socket.getaddrinfo", lambda *_, **__: [entry]
    )
    with pytest.raises(RegistryNotAllowed):
        await fetch_manifest(ModelName.parse("llama3.2"), config=RegistryConfig())


def status(line: str, body: str = "") -> Handler:
    return say(answer_bytes(body, status=line))


LAYER = {"digest": f"sha256:{A}", "size": 1}


@pytest.mark.parametrize(
    ("handler", "kind", "retryable"),
    [
        (status("404 Not Found"), ManifestMissing, False),
        (status("401 Unauthorized"), RegistryDenied, False),
        (status("403 Forbidden"), RegistryDenied, False),
        (status("429 Too Many Requests"), RegistryUnreachable, True),
        (status("500 Oops"), RegistryUnreachable, True),
        (status("400 Bad Request", "<html>"), RegistryError, False),
        (status("200 OK", "<html>"), RegistryError, False),
        (status("200 OK", "{}"), RegistryError, False),
        (status("200 OK", '{"layers": 5}'), RegistryError, False),
        (status("200 OK", '{"layers": [5]}'), RegistryError, False),
        (status("200 OK", '{"layers": [{"digest": "sha256:x", "size": 1}]}'), RegistryError, False),
        (status("200 OK", json.dumps({"layers": [{**LAYER, "size": -1}]})), RegistryError, False),
        (status("200 OK", json.dumps({"layers": [{**LAYER, "size": 1e3}]})), RegistryError, False),
        (status("200 OK", '{"layers": [], "x": "' + "x" * 1_000_000 + '"}'), RegistryError, False),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), RegistryUnreachable, True),
        (say(b""), RegistryUnreachable, True),
        (
            say(answer_bytes("", status="307 T", headers={"Location": "http://127.0.0.1:9/"})),
            RegistryNotAllowed,
            False,
        ),
        (
            say(answer_bytes("", status="307 T", headers={"Location": "http://169.254.169.254/"})),
            RegistryNotAllowed,
            False,
        ),
    ],
)
async def test_wrong_answers_have_names(
    handler: Handler, kind: type[RegistryError], retryable: bool
) -> None:
    with pytest.raises(RegistryError) as caught:
        await fetch_from(handler)
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert "html" not in str(caught.value.detail)


async def test_a_missing_manifest_is_a_missing_model() -> None:
    with pytest.raises(ModelMissing) as caught:
        await fetch_from(status("404 Not Found"))
    assert caught.value.code == "model_missing"


async def test_the_whole_takes_no_longer_than_it_may() -> None:
    started = time.monotonic()
    with pytest.raises(RegistryUnreachable):
        await fetch_from(say_then_hang(b"HTTP/1.1 200 OK\r\n"), total_s=0.2)
    assert time.monotonic() - started < 2


async def test_it_works_from_a_thread_without_a_loop() -> None:
    async with raw_server(routes({PATH: say(answer_bytes(json.dumps(MANIFEST)))})) as server:
        config = RegistryConfig(insecure_hosts=frozenset({"127.0.0.1"}))
        name = ModelName.parse(f"127.0.0.1:{server.port}/team/x:7b")
        manifest = await asyncio.to_thread(lambda: asyncio.run(fetch_manifest(name, config=config)))
    assert manifest.total_bytes == 1010
