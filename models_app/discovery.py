"""The first server: the Ollama on this machine, found by itself."""

from __future__ import annotations

import asyncio

from django.conf import settings
from django.db import transaction

from audit_app.actors import SYSTEM
from models_app.models import OllamaServer
from models_app.ollama.client import Endpoint, OllamaClient
from models_app.ollama.errors import OllamaError
from models_app.services.servers import add_server
from ollamactl.lib.errors import ApplicationError

SECONDS = 2.0
NAME = "Ollama"


def look_for_a_server() -> bool:
    """Add the configured Ollama as the first server once it answers. Returns whether it did."""
    if OllamaServer.objects.exists() or not asyncio.run(_answers(settings.OLLAMA_URL)):
        return False
    try:
        with transaction.atomic():
            add_server(actor=SYSTEM, name=NAME, base_url=settings.OLLAMA_URL)
    except ApplicationError:  # another worker was first
        return False
    return True


async def _answers(url: str) -> bool:
    endpoint = Endpoint(base_url=url, auth_kind="none", credentials={}, ca_pem="", label=NAME)
    try:
        async with asyncio.timeout(SECONDS), OllamaClient(endpoint) as client:
            await client.version()
    except (OllamaError, ApplicationError, TimeoutError):
        return False
    return True
