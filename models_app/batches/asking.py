"""What registries have of many models, within a time that a page can wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from models_app.endpoints import registry_config
from models_app.models import OllamaServer
from models_app.ollama.errors import ManifestMissing, RegistryError
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest, RegistryConfig, fetch_manifest
from tasks_app.attempt import close_connections

SECONDS = 1.8
AT_ONCE = 8
MOST_ASKED = 200


@dataclass(frozen=True)
class Said:
    """The manifest; `missing` where the registry says that it has none. Neither: not known."""

    manifest: Manifest | None = None
    missing: bool = False


UNKNOWN = Said()
Key = tuple[str, str]


def key_of(server: OllamaServer, name: ModelName) -> Key:
    """One question for all servers that have the same registry."""
    return (server.base_url if server.is_simulated else "", name.key)


def ask_registries(
    wanted: Iterable[tuple[OllamaServer, ModelName]], *, seconds: float = SECONDS
) -> dict[Key, Said]:
    """What was said in time, by `key_of`; of more than `MOST_ASKED` the others are not asked."""
    questions: dict[Key, tuple[ModelName, RegistryConfig]] = {}
    for server, name in wanted:
        key = key_of(server, name)
        if key not in questions and len(questions) < MOST_ASKED:
            questions[key] = (name, registry_config(server))
    answers: dict[Key, Said] = {}
    if questions:
        close_connections()  # of a bounded pool, which others may wait for
        asyncio.run(_ask_all(questions, answers, seconds))
    return answers


async def _ask_all(
    questions: dict[Key, tuple[ModelName, RegistryConfig]],
    answers: dict[Key, Said],
    seconds: float,
) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(key: Key, name: ModelName, config: RegistryConfig) -> None:
        async with gate:
            answers[key] = await said_of(name, config)

    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(ask(key, *each) for key, each in questions.items()))
    except TimeoutError:
        return


async def said_of(name: ModelName, config: RegistryConfig) -> Said:
    """What one registry says of one model; it raises nothing."""
    try:
        return Said(await fetch_manifest(name, config=config))
    except ManifestMissing:
        return Said(missing=True)
    except RegistryError:
        return UNKNOWN
