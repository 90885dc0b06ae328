"""From a server's row to what the client needs."""

from __future__ import annotations

from django.conf import settings

from models_app.models import OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.registry import RegistryConfig


def endpoint_of(server: OllamaServer) -> Endpoint:
    """The address and the credentials of a server."""
    return Endpoint(
        base_url=server.base_url,
        auth_kind=server.auth_kind,
        credentials=dict(server.credentials or {}),
        ca_pem=server.ca_pem,
        label=server.name,
    )


def client_of(server: OllamaServer) -> OllamaClient:
    """A client for one server; an asynchronous context manager that closes its connections."""
    return OllamaClient(endpoint_of(server))


def registry_config(server: OllamaServer) -> RegistryConfig:
    """Where the manifests of this server's models are read.

    A simulated server is its own registry: its catalogue is nowhere else.
    """
    return RegistryConfig(
        allowed_hosts=frozenset(settings.REGISTRIES) | frozenset(settings.INSECURE_REGISTRIES),
        insecure_hosts=frozenset(settings.INSECURE_REGISTRIES),
        base_url=server.base_url if server.is_simulated else None,
    )
