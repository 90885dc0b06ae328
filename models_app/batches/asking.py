"""What registries and servers say of many models, within a time that a page can wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from models_app.endpoints import client_of, registry_config
from models_app.models import OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import ManifestMissing, OllamaError, RegistryError
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest, RegistryConfig, fetch_manifest
from ollamactl.lib.connections import close_connections

# All questions together, the opening and closing of connections included.
SECONDS = 1.8
AT_ONCE = 8
"""Questions to registries at once, and to each server."""
MOST_ASKED = 200
MOST_SERVERS = 50
MOST_LAYERS = 2000
"""Layers that one server is asked for."""


@dataclass(frozen=True)
class Said:
    """The manifest; `missing` where the registry says that it has none. Neither: not known."""

    manifest: Manifest | None = None
    missing: bool = False


@dataclass
class ServerSaid:
    """What one server said in time. `layers`: by digest, whether it has them whole."""

    answered: bool = False
    error: OllamaError | None = None
    layers: dict[str, bool] = field(default_factory=dict)


UNKNOWN = Said()
Key = tuple[str, str]


@dataclass
class Heard:
    """What was said in time: of models by `key_of`, and by servers by their ids."""

    models: dict[Key, Said] = field(default_factory=dict)
    servers: dict[int, ServerSaid] = field(default_factory=dict)

    def of(self, server: OllamaServer, name: ModelName) -> Said:
        """What the registry said of a model for this server."""
        return self.models.get(key_of(server, name), UNKNOWN)


def key_of(server: OllamaServer, name: ModelName) -> Key:
    """One question for all servers that have the same registry."""
    return (server.base_url if server.is_simulated else "", name.key)


def ask_around(
    wanted: Iterable[tuple[OllamaServer, ModelName]],
    *,
    layers: bool = False,
    seconds: float = SECONDS,
) -> Heard:
    """Ask the registries of these models; with `layers` each server too, which of them it has.

    Of more than `MOST_ASKED` models and `MOST_SERVERS` servers the others are not asked.
    """
    questions = _Questions(layers)
    for server, name in wanted:
        questions.add(server, name)
    if questions.models:
        close_connections()  # of a bounded pool, which others may wait for
        asyncio.run(questions.ask(seconds))
    return questions.heard


class _Questions:
    """All that is to be asked, each once, and what has come of it so far."""

    def __init__(self, layers: bool) -> None:
        self.layers = layers
        self.heard = Heard()
        self.models: dict[Key, tuple[ModelName, RegistryConfig]] = {}
        self.servers: dict[int, OllamaServer] = {}
        self.wanting: dict[Key, set[int]] = {}
        self.at_servers: dict[int, _AtServer] = {}
        self.gate = asyncio.Semaphore(AT_ONCE)

    def add(self, server: OllamaServer, name: ModelName) -> None:
        """One model for one server."""
        key = key_of(server, name)
        if key not in self.models and len(self.models) < MOST_ASKED:
            self.models[key] = (name, registry_config(server))
        if self.layers and (server.pk in self.servers or len(self.servers) < MOST_SERVERS):
            self.servers[server.pk] = server
            self.wanting.setdefault(key, set()).add(server.pk)

    async def ask(self, seconds: float) -> None:
        """What is known when the time is over stays."""
        try:
            async with asyncio.timeout(seconds), AsyncExitStack() as stack:
                for pk, server in self.servers.items():
                    client = await stack.enter_async_context(client_of(server))
                    said = self.heard.servers[pk] = ServerSaid()
                    self.at_servers[pk] = _AtServer(client, said)
                # In one, so that all have ended before their connections are closed.
                versions = (there.version for there in self.at_servers.values())
                await asyncio.gather(*versions, *(self._ask_for(key) for key in self.models))
        except TimeoutError:
            return

    async def _ask_for(self, key: Key) -> None:
        async with self.gate:
            said = self.heard.models[key] = await said_of(*self.models[key])
        if said.manifest is not None:
            there = (self.at_servers[pk] for pk in self.wanting.get(key, ()))
            await asyncio.gather(*(each.ask_for_layers(said.manifest) for each in there))


class _AtServer:
    """The questions to one server: whether it answers, then each layer once."""

    def __init__(self, client: OllamaClient, said: ServerSaid) -> None:
        self._client, self._said = client, said
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._asked: set[str] = set()
        self.version = asyncio.ensure_future(self._ask_version())

    async def _ask_version(self) -> None:
        try:
            await self._client.version()
        except OllamaError as error:
            self._said.error = error
        else:
            self._said.answered = True

    async def ask_for_layers(self, manifest: Manifest) -> None:
        """The largest first: they matter most when the time is short."""
        await self.version
        if not self._said.answered:
            return
        new = [digest for digest in manifest.layers if digest not in self._asked]
        new = sorted(new, key=lambda digest: -manifest.layers[digest])
        new = new[: MOST_LAYERS - len(self._asked)]
        self._asked.update(new)
        await asyncio.gather(*(self._ask_for_layer(digest) for digest in new))

    async def _ask_for_layer(self, digest: str) -> None:
        async with self._gate:
            try:
                self._said.layers[digest] = await self._client.head_blob(digest)
            except OllamaError:  # not known
                return


async def said_of(name: ModelName, config: RegistryConfig) -> Said:
    """What one registry says of one model; it raises nothing."""
    try:
        return Said(await fetch_manifest(name, config=config))
    except ManifestMissing:
        return Said(missing=True)
    except RegistryError:
        return UNKNOWN
