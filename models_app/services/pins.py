"""Pinned models: those that the panel's own clean-ups leave alone."""

from __future__ import annotations

from django.db import transaction

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.models import OllamaModel
from models_app.services.beginnings import fresh, locked
from models_app.services.states import save_model

PIN = "models_app.pin_ollamamodel"


def pin_model(*, actor: Actor, model: OllamaModel) -> OllamaModel:
    """Pin a model: nothing of the panel's unloads or removes it by itself. Repeating it is fine.

    People still may stop and delete it, and Ollama may evict it when it needs the memory.
    """
    return _set(actor, model, pinned=True)


def unpin_model(*, actor: Actor, model: OllamaModel) -> OllamaModel:
    """Unpin a model. Repeating it is fine."""
    return _set(actor, model, pinned=False)


def _set(actor: Actor, model: OllamaModel, *, pinned: bool) -> OllamaModel:
    actor.require(PIN)
    with transaction.atomic():
        row = locked(model)
        if row.pinned != pinned:
            row.pinned = pinned
            save_model(row, "pinned")
            record_action(
                actor=actor,
                verb="model.pin" if pinned else "model.unpin",
                resource_type="model",
                resource_id=row.pk,
                resource_name=row.name,
                data={"server": row.server.name},
            )
    return fresh(row)
