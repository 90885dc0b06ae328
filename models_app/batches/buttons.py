"""The operations that a user finds above a list of models."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User

from models_app.batches.operations import KINDS
from models_app.batches.words import Operation

ICONS = {
    Operation.START: "play_arrow",
    Operation.STOP: "stop",
    Operation.PULL: "download",
    Operation.UPDATE: "update",
    Operation.RECREATE: "autorenew",
    Operation.DELETE: "delete",
}


@dataclass(frozen=True)
class OperationButton:
    """One button of the bar."""

    name: str
    label: str
    icon: str
    dangerous: bool


def operations_for(user: User | AnonymousUser) -> list[OperationButton]:
    """What this user may do with many models, the dangerous last."""
    return [
        OperationButton(str(operation), str(operation.label), icon, KINDS[operation].dangerous)
        for operation, icon in ICONS.items()
        if user.has_perm(KINDS[operation].permission)
    ]
