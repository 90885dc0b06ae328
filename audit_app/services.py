"""Writing audit records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit_app.actors import Actor
from audit_app.choices import Outcome
from audit_app.models import AuditRecord
from ollamactl.lib.redact import redact


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
    return AuditRecord.objects.create(
        user=actor.user,
        user_name=actor.name,
        origin=actor.origin,
        address=actor.address,
        verb=verb,
        outcome=outcome,
        resource_type=resource_type,
        resource_id=resource_id,
        resource_name=resource_name[:512],
        data=redact(dict(data or {})),
    )
