"""Adding, changing, checking servers. (Signatures; filled next.)"""

from __future__ import annotations

from typing import Any

from audit_app.actors import Actor
from models_app.models import OllamaServer
from tasks_app.models import Task


def add_server(*, actor: Actor, name: str, base_url: str, **fields: Any) -> OllamaServer:
    """Add a server; it is checked at once and synced when it answers.

    `fields`: auth_kind, credentials, ca_pem, max_downloads. Raises `InvalidInput` with `attr`.
    """
    raise NotImplementedError


def update_server(*, actor: Actor, server: OllamaServer, **fields: Any) -> OllamaServer:
    """Change some fields. Credentials that are not given stay."""
    raise NotImplementedError


def remove_server(*, actor: Actor, server: OllamaServer) -> None:
    """Forget a server and its models here; nothing is changed on it. `Conflict` with live tasks."""
    raise NotImplementedError


def check_server(*, actor: Actor, server: OllamaServer) -> OllamaServer:
    """Check one server now (4 s at most) and return it with its new status."""
    raise NotImplementedError


def sync_server(*, actor: Actor, server: OllamaServer, on_conflict: str = "server") -> Task:
    """Queue a sync; its result is `{added, updated, deleted, unchanged, conflicts}`."""
    raise NotImplementedError


def sync_all(*, actor: Actor, on_conflict: str = "server") -> Task:
    """Queue a sync of every server: one parent task with a child for each."""
    raise NotImplementedError
