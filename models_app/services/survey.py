"""What a registry and a server say of a model that is to be pulled, asked side by side."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from models_app.endpoints import client_of, registry_config
from models_app.models import OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import (
    OllamaError,
    RegistryError,
    RegistryNotAllowed,
    RegistryUnreachable,
)
from models_app.ollama.kv_cache import KvCache
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest, fetch_manifest
from ollamactl.lib.connections import close_connections

# All questions together, the opening and closing of connections included.
SECONDS = 1.8
ASKED_AT_ONCE = 8
# A model of more layers than any real one is taken for missing as a whole.
MOST_ASKED = 200


@dataclass
class Answers:
    """What was said in time; None: nothing was."""

    manifest: Manifest | None = None
    registry_error: RegistryError | None = None
    # From the question to the registry's answer, in milliseconds.
    registry_ms: float | None = None
    server_answered: bool = False
    server_error: OllamaError | None = None
    # By the file of the model that the server has, where it was asked for.
    kv_cache: KvCache | None = None
    # Layers that the server has whole.
    there: set[str] = field(default_factory=set)

    @property
    def missing_bytes(self) -> int | None:
        """Bytes that the server has still to fetch, at most; None where no size is known."""
        if self.manifest is None:
            return None
        return sum(
            size for digest, size in self.manifest.layers.items() if digest not in self.there
        )


def survey(server: OllamaServer, name: ModelName, describe: bool = False) -> Answers:
    """Ask for at most 2 s; what came by then is kept. `describe`: the server has the model, and is
    asked what its file says."""
    answers = Answers()
    close_connections()  # of a bounded pool, which others may wait for
    asyncio.run(_ask(server, name, answers, describe))
    return answers


async def _ask(server: OllamaServer, name: ModelName, answers: Answers, describe: bool) -> None:
    questions = [_ask_registry(server, name, answers), _ask_server(server, answers)]
    if describe:
        questions.append(_ask_for_details(server, name, answers))
    try:
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*questions)
            if answers.manifest is not None and answers.server_answered:
                async with client_of(server) as client:
                    await _ask_for_layers(client, answers.manifest, answers)
    except TimeoutError:
        return


async def _ask_registry(server: OllamaServer, name: ModelName, answers: Answers) -> None:
    begun = time.monotonic()
    try:
        answers.manifest = await fetch_manifest(name, config=registry_config(server))
    except RegistryError as error:
        answers.registry_error = error
        if isinstance(error, (RegistryUnreachable, RegistryNotAllowed)):
            return  # nobody has answered
    answers.registry_ms = round((time.monotonic() - begun) * 1000, 1)


async def _ask_server(server: OllamaServer, answers: Answers) -> None:
    try:
        async with client_of(server) as client:
            await client.version()
    except OllamaError as error:
        answers.server_error = error
    else:
        answers.server_answered = True


async def _ask_for_details(server: OllamaServer, name: ModelName, answers: Answers) -> None:
    with contextlib.suppress(OllamaError):  # whether it answers at all the version tells
        async with client_of(server) as client:
            answers.kv_cache = (await client.show(name)).kv_cache


async def _ask_for_layers(client: OllamaClient, manifest: Manifest, answers: Answers) -> None:
    gate = asyncio.Semaphore(ASKED_AT_ONCE)

    async def ask(digest: str) -> None:
        async with gate:
            if await client.head_blob(digest):
                answers.there.add(digest)

    if len(manifest.layers) <= MOST_ASKED:
        asked = (ask(digest) for digest in manifest.layers)
        await asyncio.gather(*asked, return_exceptions=True)
