"""Reads of servers and models, by their business names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Case, F, Q, Value, When

from models_app.choices import ModelStatus, ServerStatus

if TYPE_CHECKING:
    from models_app.models import OllamaModel, OllamaServer  # noqa: F401 - the base classes' names

GONE = (ServerStatus.OFFLINE, ServerStatus.UNAUTHORIZED)


class OllamaServerQuerySet(models.QuerySet["OllamaServer"]):
    """Selections of servers."""

    def visible_to(self, user: User | AnonymousUser) -> OllamaServerQuerySet:
        """The servers that this user may know of."""
        return self if user.has_perm("models_app.view_ollamaserver") else self.none()

    def reachable_first(self) -> OllamaServerQuerySet:
        """Servers that answer before those that do not, then by name."""
        gone = Case(When(status__in=GONE, then=Value(1)), default=Value(0))
        return self.order_by(gone, "name", "pk")


class OllamaModelQuerySet(models.QuerySet["OllamaModel"]):
    """Selections of models."""

    def visible_to(self, user: User | AnonymousUser) -> OllamaModelQuerySet:
        """The models that this user may know of."""
        return self if user.has_perm("models_app.view_ollamamodel") else self.none()

    def with_live_status(self) -> OllamaModelQuerySet:
        """Adds `live_status`: the written status, or `unavailable` where the server is gone.

        Work in progress keeps its own status: its task says what becomes of it.
        """
        at_rest = Q(status__in=(ModelStatus.STOPPED, ModelStatus.RUNNING))
        return self.annotate(
            live_status=Case(
                When(
                    at_rest & Q(server__status__in=GONE),
                    then=Value(ModelStatus.UNAVAILABLE.value),
                ),
                default=F("status"),
                output_field=models.CharField(max_length=16),
            )
        )

    def for_display(self) -> OllamaModelQuerySet:
        """Everything that a row shows, in one query."""
        return self.with_live_status().select_related("server", "last_task")
