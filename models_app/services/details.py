"""What a server says of one of its models when it is asked now."""

from __future__ import annotations

import asyncio
from typing import Any

from models_app.endpoints import client_of
from models_app.models import OllamaModel
from models_app.ollama.errors import OllamaError
from models_app.ollama.kv_cache import KvCache
from models_app.ollama.types import ShowInfo
from models_app.querysets import GONE

SECONDS = 2.0


def describe_model(model: OllamaModel) -> dict[str, Any] | None:
    """The details of an installed model as JSON; None when the server does not say in 2 s."""
    if not model.is_installed or model.server.status in GONE:
        return None
    try:
        info = asyncio.run(_show(model))
    except OllamaError:
        return None
    _remember(
        model,
        context_length=info.context_length,
        kv_cache=_stored(info.kv_cache),
        parameter_lines=info.parameters.splitlines(),
    )
    return _as_json(info)


def lacks_kv_cache(model: OllamaModel) -> bool:
    """Whether the server could say what the model keeps of its context, and has not."""
    return model.is_installed and model.kv_cache is None


def remember_kv_cache(model: OllamaModel, said: KvCache | None) -> None:
    """Keep what the server has said of this version of the model; written where it is new."""
    _remember(model, kv_cache=_stored(said))


def _remember(model: OllamaModel, **said: Any) -> None:
    new = {name: v for name, v in said.items() if v is not None and getattr(model, name) != v}
    if not new or not model.is_installed:
        return
    for name, value in new.items():
        setattr(model, name, value)
    OllamaModel.objects.filter(pk=model.pk, digest=model.digest).update(**new)


def _stored(cache: KvCache | None) -> list[int] | None:
    return cache.as_json() if cache is not None else None


async def _show(model: OllamaModel) -> ShowInfo:
    async with client_of(model.server) as client:
        return await client.show(model.name, total_s=SECONDS)


def _as_json(info: ShowInfo) -> dict[str, Any]:
    return {
        "format": info.details.format,
        "family": info.details.family,
        "families": list(info.details.families),
        "parameter_size": info.details.parameter_size,
        "parameter_count": info.parameter_count,
        "quantization": info.details.quantization,
        "context_length": info.context_length,
        "capabilities": list(info.capabilities),
        "parameters": info.parameters,
        "template": info.template,
        "system": info.system,
        "license": info.license,
        "model_info": info.model_info,
        "tensors": info.tensors,
    }
