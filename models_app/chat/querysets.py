"""Querysets of chats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable

if TYPE_CHECKING:
    from models_app.chat.records import ChatSession
else:
    ChatSession = object


class ChatQuerySet(QuerySet["ChatSession"]):
    """Chats. Where they are looked for, `come_upon` holds for some that have been found already; it
    is an empty `Q` where there are none."""

    come_upon: Q | Combinable | None = None

    def coming_upon(self, some: Q | Combinable) -> Self:
        """The same rows, which a search looks for, and what holds for some that it has found."""
        rows = self.all()
        rows.come_upon = some
        return rows

    def _clone(self) -> Self:
        rows: Self = super()._clone()  # type: ignore[misc]  # the stubs have no private names
        rows.come_upon = self.come_upon
        return rows
