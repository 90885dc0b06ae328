"""Making a model anew under its own name, from its registry or out of itself with changes; and
making another one out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from audit_app.actors import Actor
from models_app.choices import Source
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import DEFAULT_HOST, ModelName
from models_app.services.beginnings import begin_task, fresh, idle, require_installed
from models_app.services.copies import Begun, locked_source, row_beside
from models_app.services.lifecycle import parse_name, pull_model
from models_app.services.listing import Listing
from models_app.services.parameters import read_parameters
from ollamactl.lib.errors import InvalidInput
from tasks_app.models import Task

RECREATE = "models_app.recreate_ollamamodel"
LONGEST_TEXT = 50_000
# Where a model is made before it takes its place. Nobody's account in Ollama's registry.
WORKSHOP = "ollamactl-tmp"


def recreate_model(
    *,
    actor: Actor,
    model: OllamaModel,
    parameters: Mapping[str, Any] | None = None,
    system: str = "",
    template: str = "",
) -> Begun:
    """Queue the making of a model out of itself with changes; with none it is pulled again.

    The old one stays until the new one is there. What is left out stays as it is. Raises
    `InvalidInput` with `attr`, what `pull_model` raises, `Conflict`, `NotPermitted`.
    """
    actor.require(RECREATE)
    changes = _changes(read_parameters(parameters or {}), system, template)
    if not changes:
        return _pull_again(actor, model)
    with transaction.atomic():
        row = idle(model)
        require_installed(row)
        task = begin_task(
            actor=actor,
            model=row,
            type="model.recreate",
            payload={"changes": changes},
            data={"digest": row.digest, "changed": sorted(changes)},
        )
    return Begun(fresh(row), task)


def derive_model(
    *,
    actor: Actor,
    model: OllamaModel,
    name: str,
    parameters: Mapping[str, Any] | None = None,
    system: str = "",
) -> Begun:
    """Queue the making of another model out of an installed one, on the same server.

    What is left out stays as it is. Raises `InvalidInput` with `attr`, `Conflict` (code `exists`)
    where the name is taken, `Conflict` while either of the two is worked on, `NotPermitted`.
    """
    actor.require(RECREATE)
    parsed = parse_name(name)
    changes = _changes(read_parameters(parameters or {}), system, "")
    with transaction.atomic():
        source = locked_source(model, parsed)
        row = row_beside(source, parsed)
        task = begin_task(
            actor=actor,
            model=row,
            type="model.recreate",
            payload={"changes": changes, "base": source.name},
            data={"source": source.name, "changed": sorted(changes)},
        )
    return Begun(fresh(row), task)


def temporary_name(name: ModelName) -> ModelName:
    """The name under which a model is made; always the same, so that a repetition finds it."""
    tag = hashlib.sha256(name.key.encode()).hexdigest()[:16]
    return ModelName(DEFAULT_HOST, WORKSHOP, name.model, tag)


def without_workshop(server: OllamaServer, listing: Listing) -> Listing:
    """The listing without what is being made now; what a broken attempt has left stays visible."""
    rows = _being_recreated().filter(server=server)
    made = {
        temporary_name(ModelName.parse(name)).key for name in rows.values_list("name", flat=True)
    }
    if not made:
        return listing
    return replace(listing, tags=[entry for entry in listing.tags if entry.name.key not in made])


def with_workshop(server_ids: Collection[int]) -> set[int]:
    """Those of these servers on which something is being made now."""
    rows = _being_recreated().filter(server__in=server_ids)
    return set(rows.order_by().values_list("server_id", flat=True))


def _being_recreated() -> QuerySet[OllamaModel]:
    live = Task.objects.live().filter(type="model.recreate", resource_type="model")
    return OllamaModel.objects.filter(pk__in=live.values("resource_id"))


def _changes(parameters: dict[str, Any], system: str, template: str) -> dict[str, Any]:
    given = {"parameters": parameters, "system": system, "template": template}
    for name in ("system", "template"):
        if len(str(given[name])) > LONGEST_TEXT:
            raise InvalidInput(
                _("This text is longer than the panel keeps."), code="too_long", attr=name
            )
    return {name: value for name, value in given.items() if value}


def _pull_again(actor: Actor, model: OllamaModel) -> Begun:
    if model.source == Source.LOCAL:
        raise InvalidInput(
            _("This model was made here: no registry has it. Say what shall change."),
            code="nothing_changes",
            attr="parameters",
        )
    pull = pull_model(actor=actor, server=model.server, name=model.name)
    return Begun(pull.model, pull.task)
