"""The first server: the Ollama on this machine, found by itself."""

from __future__ import annotations

import asyncio

from django.conf import settings
from django.db import transaction

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.models import OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.errors import OllamaError
from models_app.services.servers import add_server
from ollamactl.lib.errors import ApplicationError

SECONDS = 2.0
NAME = "Ollama"


def look_for_a_server() -> bool:
    """Add the configured Ollama as the first server once it answers. Returns whether it did.

    A panel whose last server somebody has removed is left without one: that was meant so.
    """
    if not _wants_one() or not asyncio.run(_answers(settings.OLLAMA_URL)):
        return False
    try:
        with transaction.atomic():
            if not _wants_one():  # somebody was first
                return False
            add_server(actor=SYSTEM, name=NAME, base_url=settings.OLLAMA_URL)
    except ApplicationError:  # another worker was first
        return False
    return True


def _wants_one() -> bool:
    if OllamaServer.objects.exists():
        return False
    return not AuditRecord.objects.filter(verb="server.remove").exists()


async def _answers(url: str) -> bool:
    endpoint = Endpoint(base_url=url, label=NAME)
    try:
        async with asyncio.timeout(SECONDS), OllamaClient(endpoint) as client:
            await client.version()
    except (OllamaError, TimeoutError):
        return False
    return True
