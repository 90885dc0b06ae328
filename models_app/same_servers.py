"""Servers that are still what they were when they were asked."""

from __future__ import annotations

from collections.abc import Iterable

from models_app.models import OllamaServer

# What an answer is about; that of another address or with other credentials says nothing.
ASKED_AT = ("base_url", "auth_kind", "credentials", "ca_pem")


def same_servers(asked: Iterable[OllamaServer]) -> dict[int, OllamaServer]:
    """The rows now, locked, without those that are gone or have another address by now."""
    asked = list(asked)
    rows = OllamaServer.objects.select_for_update().order_by("pk")
    now = rows.in_bulk([server.pk for server in asked])
    return {
        server.pk: now[server.pk]
        for server in asked
        if server.pk in now
        and all(getattr(now[server.pk], name) == getattr(server, name) for name in ASKED_AT)
    }
