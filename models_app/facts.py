"""From Ollama's answers to the facts of a model's row (JSON types only)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import OllamaError
from models_app.ollama.names import ModelName
from models_app.ollama.types import LoadedModel, TagEntry


def tag_facts(entry: TagEntry) -> dict[str, Any]:
    """What `/api/tags` says of a model; times are ISO 8601 in UTC."""
    modified_at = entry.modified_at
    return {
        "name": entry.name.display,
        "digest": entry.digest,
        "size": entry.size,
        "family": entry.details.family,
        "parameter_size": entry.details.parameter_size[:32],
        "quantization": entry.details.quantization[:32],
        "modified_at": modified_at.astimezone(UTC).isoformat() if modified_at else None,
    }


def loaded_facts(entry: LoadedModel) -> dict[str, Any]:
    """What `/api/ps` says of a running model: bytes, words, ISO 8601 or None for ever."""
    return {
        "size": entry.size,
        "size_vram": entry.size_vram,
        "processor": entry.processor,
        "context_length": entry.context_length,
        "expires_at": entry.expires_at.isoformat() if entry.expires_at else None,
    }


class InMemory:
    """The models of one `/api/ps`, found by name or, since aliases share one runner, by digest.

    One that is being unloaded counts as gone.
    """

    def __init__(self, entries: Iterable[LoadedModel]) -> None:
        staying = [entry for entry in entries if not entry.stopping]
        self._by_key = {entry.name.key: entry for entry in staying}
        self._by_digest = {entry.digest: entry for entry in staying if entry.digest}

    @property
    def keys(self) -> set[str]:
        """The normalised names that the server says."""
        return set(self._by_key)

    @property
    def digests(self) -> set[str]:
        """The digests of what is loaded."""
        return set(self._by_digest)

    def facts(self, *, key: str, digest: str) -> dict[str, Any] | None:
        """The `loaded` fact of one model; None when it is not in memory."""
        entry = self._by_key.get(key) or self._by_digest.get(digest)
        return loaded_facts(entry) if entry else None

    def has(self, key: str) -> bool:
        """Whether a model is in memory under this very name."""
        return key in self._by_key


async def facts_of(client: OllamaClient, name: ModelName) -> dict[str, Any] | None:
    """The facts of one model as the server has it now; None when it does not list it."""
    for entry in await client.tags():
        if entry.name.key == name.key:
            facts = tag_facts(entry)
            memory = InMemory(await client.ps())
            facts["loaded"] = memory.facts(key=name.key, digest=entry.digest)
            return {**facts, **await _shown(client, name)}
    return None


async def _shown(client: OllamaClient, name: ModelName) -> dict[str, Any]:
    """What only `/api/show` says; nothing where it does not answer: the model is there anyway."""
    try:
        info = await client.show(name)
    except OllamaError:
        return {}
    kv_cache = info.kv_cache.as_json() if info.kv_cache else None
    return {
        "context_length": info.context_length,
        "kv_cache": kv_cache,
        "parameter_lines": info.parameters.splitlines(),
    }
