"""Makes the indexes of names and of what was said, in migrations and after each one, which may take
triggers along."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate

from models_app.search import names, said


def install(apps: Any, schema_editor: Any) -> None:
    """For `RunPython`: the index of names."""
    names.INDEXES[schema_editor.connection.vendor].INDEX.install(schema_editor.connection)


def remove(apps: Any, schema_editor: Any) -> None:
    """For `RunPython`, backwards."""
    names.INDEXES[schema_editor.connection.vendor].INDEX.remove(schema_editor.connection)


def install_said(apps: Any, schema_editor: Any) -> None:
    """For `RunPython`: the index of what was said in chats."""
    said.INDEXES[schema_editor.connection.vendor].INDEX.install(schema_editor.connection)


def remove_said(apps: Any, schema_editor: Any) -> None:
    """For `RunPython`, backwards."""
    said.INDEXES[schema_editor.connection.vendor].INDEX.remove(schema_editor.connection)


def register(sender: Any) -> None:
    """See to the indexes whenever migrations of this app have run."""
    post_migrate.connect(_repair, sender=sender, dispatch_uid="models_app.search")


def _repair(sender: Any, using: str, **kwargs: Any) -> None:
    connection = connections[using]
    for indexes in (names.INDEXES, said.INDEXES):
        indexes[connection.vendor].INDEX.install(connection)
