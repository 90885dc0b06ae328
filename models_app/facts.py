"""From Ollama's answers to the facts of a model's row (JSON types only)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models_app.ollama.client import OllamaClient
from models_app.ollama.names import ModelName
from models_app.ollama.types import LoadedModel, TagEntry


def tag_facts(entry: TagEntry) -> dict[str, Any]:
    """What `/api/tags` says of a model."""
    return {
        "digest": entry.digest,
        "size": entry.size,
        "family": entry.details.family,
        "parameter_size": entry.details.parameter_size,
        "quantization": entry.details.quantization,
        "modified_at": entry.modified_at.isoformat() if entry.modified_at else None,
    }


def loaded_facts(entry: LoadedModel) -> dict[str, Any]:
    """What `/api/ps` says of a running model: bytes, words, ISO 8601 or None for ever."""
    return {
        "size": entry.size,
        "size_vram": entry.size_vram,
        "processor": entry.processor,
        "expires_at": entry.expires_at.isoformat() if entry.expires_at else None,
    }


def find_loaded(entries: Iterable[LoadedModel], *, key: str, digest: str) -> LoadedModel | None:
    """The entry of one model: by name, else by digest, since aliases share one runner."""
    entries = [entry for entry in entries if not entry.stopping]
    for entry in entries:
        if entry.name.key == key:
            return entry
    return next((entry for entry in entries if digest and entry.digest == digest), None)


def loaded_of(entries: Iterable[LoadedModel], *, key: str, digest: str) -> dict[str, Any] | None:
    """The `loaded` fact of one model; None when it is not in memory."""
    entry = find_loaded(entries, key=key, digest=digest)
    return loaded_facts(entry) if entry else None


async def facts_of(client: OllamaClient, name: ModelName) -> dict[str, Any] | None:
    """The facts of one model as the server has it now; None when it does not list it."""
    for entry in await client.tags():
        if entry.name.key == name.key:
            facts = tag_facts(entry)
            facts["loaded"] = loaded_of(await client.ps(), key=name.key, digest=entry.digest)
            return facts
    return None
