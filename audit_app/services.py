"""Writing audit records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit_app.actors import Actor
from audit_app.choices import Outcome
from audit_app.models import AuditRecord
from ollamactl.lib.redact import redact


@dataclass(frozen=True)
class Action:
    """What one of several actions of one kind was done with, and what was asked."""

    resource_type: str = ""
    resource_id: int | None = None
    resource_name: str = ""
    data: Mapping[str, Any] | None = None


def record_action(
    *,
    actor: Actor,
    verb: str,
    resource_type: str = "",
    resource_id: int | None = None,
    resource_name: str = "",
    data: Mapping[str, Any] | None = None,
    outcome: Outcome = Outcome.DONE,
) -> AuditRecord:
    """Record one action. Call it inside the transaction of the action."""
    action = Action(resource_type, resource_id, resource_name, data)
    [record] = record_actions(actor=actor, verb=verb, actions=[action], outcome=outcome)
    return record


def record_actions(
    *, actor: Actor, verb: str, actions: Sequence[Action], outcome: Outcome = Outcome.DONE
) -> list[AuditRecord]:
    """Record several actions of one kind by one statement, inside their transaction."""
    return AuditRecord.objects.bulk_create(
        AuditRecord(
            user=actor.user,
            user_name=actor.name,
            origin=actor.origin,
            address=actor.address,
            verb=verb,
            outcome=outcome,
            resource_type=action.resource_type,
            resource_id=action.resource_id,
            resource_name=action.resource_name[:512],
            data=redact(dict(action.data or {})),
        )
        for action in actions
    )
