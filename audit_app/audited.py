"""Records of what administrators do to people, roles and tokens in the admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase

from audit_app.actors import Actor
from audit_app.services import record_action

Changes = str | list[dict[str, Any]]
"""What Django's admin says of a change: names of fields, never their values."""


class Audited:
    """A mixin for an admin whose records only it writes: each action is in the audit, too.

    The verbs are `<audited_as>.add`, `.change` and `.delete`; the action and its record are one
    transaction.
    """

    audited_as: ClassVar[str]
    deleted_as: ClassVar[str] = "delete"

    def audit_data(self, obj: Any) -> dict[str, Any]:
        """What is worth knowing of a record after it was added or changed."""
        return {}

    def log_addition(self, request: HttpRequest, obj: Any, message: Changes) -> Any:
        self._audit(request, "add", obj, **self.audit_data(obj))
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Changes) -> Any:
        self._audit(request, "change", obj, changes=message, **self.audit_data(obj))
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        for obj in queryset:
            self._audit(request, self.deleted_as, obj)
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def response_action(self, request: HttpRequest, queryset: Any) -> HttpResponseBase | None:
        """Several records at once; the other views are transactions already."""
        with transaction.atomic():
            answer: HttpResponseBase | None = super().response_action(request, queryset)  # type: ignore[misc]
            return answer

    def _audit(self, request: HttpRequest, what: str, obj: Any, **data: Any) -> None:
        record_action(
            actor=Actor.from_request(request),
            verb=f"{self.audited_as}.{what}",
            resource_type=self.audited_as,
            resource_id=obj.pk,
            resource_name=str(obj),
            data=data,
        )
