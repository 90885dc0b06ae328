"""The panel's own client against both servers: what it makes of their answers."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import InvalidRequest, ManifestMissing, ModelMissing, NotSupported
from models_app.ollama.names import ModelName
from models_app.ollama.progress import PullPhase, PullProgress
from models_app.ollama.registry import RegistryConfig, fetch_manifest
from models_app.ollama.types import LoadedModel
from tests.contract.backends import Backend

MB = 1_000_000


async def _until(ask: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask for ten seconds at most."""
    for _ in range(500):
        if await ask():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited in vain until {what}")


@pytest_asyncio.fixture
async def client(backend: Backend) -> AsyncIterator[OllamaClient]:
    """A client of the server under test, on which nothing is loaded."""
    async with OllamaClient(Endpoint(backend.url)) as client:

        async def idle() -> bool:
            return not await client.ps()

        await _until(idle, "nothing is loaded")
        yield client


async def _loaded(client: OllamaClient, name: str) -> LoadedModel:
    key = ModelName.parse(name).key
    return next(model for model in await client.ps() if model.name.key == key)


async def test_version_and_tags_are_read(backend: Backend, client: OllamaClient) -> None:
    assert (await client.version()).startswith("0.24.0")
    (only,) = await client.tags()
    assert only.name.display == backend.model
    assert len(only.digest) == 64
    assert only.size is not None
    assert only.size > MB
    assert only.modified_at is not None
    assert only.details.family == "gemma3"


async def test_load_pins_and_unload_waits(backend: Backend, client: OllamaClient) -> None:
    await client.load(backend.model)
    loaded = await _loaded(client, backend.model)
    assert loaded.expires_at is None
    assert loaded.processor
    assert not loaded.stopping
    (tag,) = await client.tags()
    assert loaded.digest == tag.digest
    await client.unload(backend.model)
    assert await client.ps() == []


async def test_load_for_a_time(backend: Backend, client: OllamaClient) -> None:
    await client.load(backend.model, keep_alive="10m")
    assert (await _loaded(client, backend.model)).expires_at is not None
    # The text that Ollama refuses is sent as the number that it takes.
    await client.load(backend.model, keep_alive="-1")

    async def pinned() -> bool:
        return (await _loaded(client, backend.model)).expires_at is None

    await _until(pinned, "it is pinned")
    await client.unload(backend.model)


async def test_pull_is_counted_from_the_manifest(backend: Backend, client: OllamaClient) -> None:
    offer = backend.offer(2 * MB, name="counted")
    host = urlsplit(backend.registry_url).netloc
    config = RegistryConfig(
        insecure_hosts=frozenset({host, offer.name.partition("/")[0]}),
    )
    manifest = await fetch_manifest(ModelName.parse(offer.name), config=config)
    assert manifest.total_bytes == offer.size
    assert offer.weights in manifest.layers
    progress = PullProgress(manifest.layers)
    backend.set_speed(4 * MB)
    done, clock = [], asyncio.get_running_loop().time
    async for line in client.pull(offer.name, insecure=True):
        progress.feed(line, clock())
        done.append(progress.done)
    assert progress.phase is PullPhase.DONE
    assert done == sorted(done)
    assert any(0 < reached < offer.size for reached in done)
    assert progress.total == offer.size
    tags = {tag.name.key: tag for tag in await client.tags()}
    assert tags[ModelName.parse(offer.name).key].digest == manifest.digest


async def test_closing_a_pull_stops_it(backend: Backend, client: OllamaClient) -> None:
    offer = backend.offer(4 * MB, name="forsaken")
    backend.set_speed(2 * MB)
    async with aclosing(client.pull(offer.name, insecure=True)) as lines:
        async for line in lines:
            if line.completed > MB // 2:
                break
    seen: list[int] = []

    async def still() -> bool:
        seen.append(backend.bytes_sent(offer))
        return len(seen) > 15 and len(set(seen[-15:])) == 1

    await _until(still, "the download has stopped")
    assert seen[-1] < offer.size
    assert not await client.head_blob(offer.weights)
    backend.set_speed(math.inf)
    last = [line async for line in client.pull(offer.name, insecure=True)][-1]
    assert last.status == "success"
    assert await client.head_blob(offer.weights)


async def test_missing_models_are_told_apart_from_wrong_names(
    backend: Backend, client: OllamaClient
) -> None:
    absent = backend.offer(1000, name="present").name.replace("present", "absent")
    config = RegistryConfig(insecure_hosts=frozenset({absent.partition("/")[0]}))
    with pytest.raises(ManifestMissing):
        await fetch_manifest(ModelName.parse(absent), config=config)
    with pytest.raises(ModelMissing):
        async for _line in client.pull(absent, insecure=True):
            pass
    for call in (client.load, client.unload, client.delete, client.show):
        with pytest.raises(ModelMissing):
            await call("absent")
    with pytest.raises(InvalidRequest):
        await client.show("a b")


async def test_show_and_delete(backend: Backend, client: OllamaClient) -> None:
    shown = await client.show(backend.model)
    assert "completion" in shown.capabilities
    assert shown.context_length
    assert shown.parameter_count
    offer = backend.offer(100_000, name="brief")
    async for _line in client.pull(offer.name, insecure=True):
        pass
    await client.delete(offer.name)
    assert [tag.name.display for tag in await client.tags()] == [backend.model]


async def test_a_chat_comes_part_by_part_and_is_counted(
    client: OllamaClient, backend: Backend
) -> None:
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say hello."},
    ]
    options = {"num_predict": 4, "temperature": 0, "seed": 1}
    lines = [line async for line in client.chat(backend.model, said, options=options)]
    *parts, last = lines
    assert "".join(line.text for line in lines)
    assert not any(line.done or line.thinking for line in parts)
    assert (last.done, last.done_reason, last.tokens) == (True, "length", 4)
    assert last.prompt_tokens
    assert last.tokens_s
    assert last.load_s


async def test_a_chat_in_json(client: OllamaClient, backend: Backend) -> None:
    said = [{"role": "user", "content": 'Answer with this JSON: {"colour": "red"}'}]
    options = {"num_predict": 60, "temperature": 0, "seed": 1}
    lines = [
        line async for line in client.chat(backend.model, said, options=options, format="json")
    ]
    assert lines[-1].done_reason == "stop"
    assert isinstance(json.loads("".join(line.text for line in lines)), dict)


async def test_a_chat_that_cannot_be(client: OllamaClient, backend: Backend) -> None:
    said = [{"role": "user", "content": "Say hello."}]
    with pytest.raises(ModelMissing):
        await anext(client.chat("absent", said, options={}))
    with pytest.raises(NotSupported):
        await anext(client.chat(backend.model, said, options={}, think=True))
