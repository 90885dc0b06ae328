"""Trying out URLs: who answers there, and whether it asks for a key. No database here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext_noop

from models_app.endpoints import endpoint_of
from models_app.models import OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import NotOllama, OllamaError, Unauthorized
from ollamactl.lib.sentences import Sentence

SECONDS = 3.0


class Outcome(Enum):
    """What answers at a URL to who brings no credentials."""

    OPEN = "open"
    LOCKED = "locked"
    SOMETHING_ELSE = "something_else"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Probe:
    """`error`: why there was no good answer, for people."""

    outcome: Outcome
    version: str = ""
    error: object = ""


@dataclass(frozen=True)
class Tried:
    """`own`: the server at its own address with its credentials. `anonymous`: by URL, without."""

    own: Probe
    anonymous: dict[str, Probe]


def try_out(server: OllamaServer, urls: Collection[str]) -> Tried:
    """Ask the server and these URLs for Ollama's version, all at once; `SECONDS` at most.

    The credentials go to the server's own address and nowhere else.
    """
    return asyncio.run(_try_all(server, sorted({*urls, server.base_url})))


async def _try_all(server: OllamaServer, urls: list[str]) -> Tried:
    strangers = [Endpoint(base_url=url, ca_pem=server.ca_pem) for url in urls]
    own, *others = await asyncio.gather(
        _ask(endpoint_of(server)), *(_ask(stranger) for stranger in strangers)
    )
    return Tried(own, dict(zip(urls, others, strict=True)))


async def _ask(endpoint: Endpoint) -> Probe:
    try:
        async with asyncio.timeout(SECONDS), OllamaClient(endpoint) as client:
            return Probe(Outcome.OPEN, version=await client.version())
    except TimeoutError:
        return Probe(Outcome.NOTHING, error=Sentence(_NO_ANSWER, seconds=int(SECONDS)))
    except Unauthorized as error:
        return Probe(Outcome.LOCKED, error=error.detail)
    except NotOllama as error:
        return Probe(Outcome.SOMETHING_ELSE, error=error.detail)
    except OllamaError as error:
        return Probe(Outcome.NOTHING, error=error.detail)


_NO_ANSWER = gettext_noop(
    "No answer within {seconds} s. Is the server overloaded or the network slow?"
)
