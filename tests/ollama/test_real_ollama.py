"""The client, the registry reader and the progress against a real Ollama and a real registry."""

from __future__ import annotations

import asyncio
import time

import pytest

from models_app.facts import facts_of
from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import ManifestMissing, ModelMissing
from models_app.ollama.names import ModelName
from models_app.ollama.progress import PullPhase, PullProgress
from models_app.ollama.registry import RegistryConfig, fetch_manifest
from tests.components.fixtures import NewOllama
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import PushedModel, RegistryProcess

LOCAL = RegistryConfig(insecure_hosts=frozenset({"localhost"}))


async def test_load_show_and_unload(real_ollama: OllamaProcess, real_model_name: str) -> None:
    async with OllamaClient(Endpoint(real_ollama.url)) as client:
        assert (await client.version()).count(".") == 2
        (tag,) = await client.tags()
        assert tag.name == ModelName.parse(real_model_name)
        assert tag.size
        assert tag.modified_at is not None
        shown = await client.show(real_model_name)
        assert shown.details.family == tag.details.family == "gemma3"
        assert "completion" in shown.capabilities
        assert shown.context_length

        await client.load(real_model_name)
        (loaded,) = await client.ps()
        assert (loaded.name, loaded.digest) == (tag.name, tag.digest)
        assert (loaded.processor, loaded.expires_at, loaded.stopping) == ("100% CPU", None, False)

        await client.unload(real_model_name, digest=tag.digest)
        assert await client.ps() == []
        await client.unload(real_model_name)


async def test_the_cache_of_a_context_is_estimated_within_a_half(
    real_ollama: OllamaProcess, real_model_name: str
) -> None:
    """What `/api/ps` says more for a longer context is the cache of Gemma's layers that see all of
    it (the others keep 512 tokens) and a mask of a kilobyte a token; without the windows the
    estimate would be four and a half times that."""
    short, long = 2048, 16_384
    async with OllamaClient(Endpoint(real_ollama.url)) as client:
        cache = (await client.show(real_model_name)).kv_cache
        assert cache is not None
        assert cache.windowed > cache.full
        facts = await facts_of(client, ModelName.parse(real_model_name))
        assert facts is not None
        assert facts["kv_cache"] == cache.as_json()  # so a pull leaves it in the model's row
        sizes = {}
        for tokens in (short, long):
            await client.load(real_model_name, num_ctx=tokens)
            (loaded,) = await client.ps()
            assert loaded.context_length == tokens
            sizes[tokens] = loaded.size or 0
        await client.unload(real_model_name)
    measured = sizes[long] - sizes[short]
    assert measured > 0
    assert measured / 1.5 < cache.bytes_for(long) - cache.bytes_for(short) < measured * 1.5


async def test_a_keep_alive_ends_at_a_time(
    real_ollama: OllamaProcess, real_model_name: str
) -> None:
    async with OllamaClient(Endpoint(real_ollama.url)) as client:
        await client.load(real_model_name, keep_alive="10m")
        (loaded,) = await client.ps()
        assert loaded.expires_at is not None
        await client.load(real_model_name, keep_alive="-1")
        # Ollama answers before it has written down for how long.
        async with asyncio.timeout(10):
            while (await client.ps())[0].expires_at is not None:
                pass
        await client.unload(real_model_name)


async def test_a_pull_from_the_manifest_to_success(
    new_ollama: NewOllama, pullable_model: PushedModel
) -> None:
    name = ModelName.parse(pullable_model.name)
    manifest = await fetch_manifest(name, config=LOCAL)
    assert (manifest.digest, manifest.total_bytes) == (pullable_model.digest, pullable_model.size)

    progress = PullProgress(manifest.layers)
    shares = [0]
    async with OllamaClient(Endpoint(new_ollama().url)) as client:
        first = next(iter(manifest.layers))
        assert not await client.head_blob(first)
        async for line in client.pull(name, insecure=True):
            progress.feed(line, time.monotonic())
            assert progress.total == manifest.total_bytes
            shares.append(progress.done)
        assert shares == sorted(shares)
        assert (shares[-1], progress.phase) == (manifest.total_bytes, PullPhase.DONE)
        assert await client.head_blob(first)
        (tag,) = await client.tags()
        assert (tag.digest, tag.name.display) == (manifest.digest, name.display)

        await client.delete(name)
        assert await client.tags() == []
        with pytest.raises(ModelMissing):
            await client.delete(name)


async def test_a_closed_pull_goes_on_where_it_was(
    new_ollama: NewOllama, real_registry: RegistryProcess, pullable_model: PushedModel
) -> None:
    real_registry.blobs.rate = 40_000_000
    async with OllamaClient(Endpoint(new_ollama().url)) as client:
        lines = client.pull(pullable_model.name, insecure=True)
        stopped_at = 0
        async for line in lines:
            stopped_at = line.completed
            if stopped_at > 20_000_000:
                break
        await lines.aclose()
        assert await client.tags() == []

        real_registry.blobs.reset()
        async for line in client.pull(pullable_model.name, insecure=True):
            if line.completed:
                assert line.completed > stopped_at / 2, "it began from nothing again"
                break


async def test_what_the_registry_does_not_have(
    new_ollama: NewOllama, real_registry: RegistryProcess
) -> None:
    name = ModelName.parse(f"{real_registry.host}/library/no-such-model")
    with pytest.raises(ManifestMissing):
        await fetch_manifest(name, config=LOCAL)
    async with OllamaClient(Endpoint(new_ollama().url)) as client:
        lines = client.pull(name, insecure=True)
        assert (await anext(lines)).status == "pulling manifest"
        with pytest.raises(ModelMissing):
            await anext(lines)
