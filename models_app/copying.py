"""Copying a model on its server so that a repetition, at any point, does no harm."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from models_app.ollama.client import OllamaClient
from models_app.ollama.names import ModelName
from models_app.ollama.types import TagEntry
from ollamactl.lib.sentences import Sentence
from tasks_app.runners import TaskFailed


async def listed_by_key(client: OllamaClient) -> dict[str, TagEntry]:
    """What the server has, by normalised name."""
    return {entry.name.key: entry for entry in await client.tags()}


async def copy_verified(client: OllamaClient, source: ModelName, name: ModelName) -> str:
    """Copy `source` to `name` where that is not done yet; returns the digest of both.

    Ollama overwrites silently: another model under that name, which the panel may not know of yet,
    is left alone. Raises `TaskFailed`.
    """
    listed = await listed_by_key(client)
    original, there = listed.get(source.key), listed.get(name.key)
    if original is None:
        raise _missing(source)
    if there is None:
        await client.copy(source, name)
        there = (await listed_by_key(client)).get(name.key)
        if there is None or there.digest != original.digest:
            raise _differs(source)
    elif there.digest != original.digest:
        raise _taken(name)
    return original.digest


def _missing(source: ModelName) -> TaskFailed:
    text = gettext_noop("The server does not have “{name}” any more. Pull it again.")
    return TaskFailed(Sentence(text, name=source.display), code="model_missing")


def _taken(name: ModelName) -> TaskFailed:
    text = gettext_noop(
        "The server has another model with the name “{name}”. Choose another name, or delete that "
        "one first."
    )
    return TaskFailed(Sentence(text, name=name.display), code="exists")


def _differs(source: ModelName) -> TaskFailed:
    text = gettext_noop("“{name}” was changed while it was copied. Try again.")
    return TaskFailed(Sentence(text, name=source.display), code="changed", retryable=True)
