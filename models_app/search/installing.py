"""Makes the index of names, in a migration and after each one, which may take triggers along."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate

from models_app.search.names import INDEXES


def install(apps: Any, schema_editor: Any) -> None:
    """For `RunPython`."""
    INDEXES[schema_editor.connection.vendor].install(schema_editor.connection)


def remove(apps: Any, schema_editor: Any) -> None:
    """For `RunPython`, backwards."""
    INDEXES[schema_editor.connection.vendor].remove(schema_editor.connection)


def register(sender: Any) -> None:
    """See to the index whenever migrations of this app have run."""
    post_migrate.connect(_repair, sender=sender, dispatch_uid="models_app.search")


def _repair(sender: Any, using: str, **kwargs: Any) -> None:
    connection = connections[using]
    INDEXES[connection.vendor].install(connection)
