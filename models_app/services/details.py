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
    remember_kv_cache(model, info.kv_cache)
    return _as_json(info)


def lacks_kv_cache(model: OllamaModel) -> bool:
    """Whether the server could say what the model keeps of its context, and has not."""
    return model.is_installed and model.kv_cache is None


def remember_kv_cache(model: OllamaModel, said: KvCache | None) -> None:
    """Keep what the server has said of this version of the model; written where it is new."""
    if said is None or not model.is_installed or model.kv_cache == said.as_json():
        return
    model.kv_cache = said.as_json()
    same = OllamaModel.objects.filter(pk=model.pk, digest=model.digest)
    same.update(kv_cache=model.kv_cache)


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
