"""Records of actions, API tokens and remembered answers."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from audit_app.choices import Origin, Outcome


class AuditRecord(models.Model):
    """One action of one actor, written in the transaction of the action itself.

    `verb` is dotted ("model.pull"). `data` holds what was asked, with secrets censored. The names
    are copies: a record outlives its user and its resource.
    """

    at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    user_name = models.CharField(_("user name"), max_length=150, blank=True)
    origin = models.CharField(_("origin"), max_length=16, choices=Origin.choices)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    verb = models.CharField(_("action"), max_length=64, db_index=True)
    outcome = models.CharField(
        _("outcome"), max_length=16, choices=Outcome.choices, default=Outcome.DONE
    )
    resource_type = models.CharField(_("resource type"), max_length=32, blank=True)
    resource_id = models.BigIntegerField(_("resource id"), null=True, blank=True)
    resource_name = models.CharField(_("resource"), max_length=512, blank=True)
    data = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit record")
        verbose_name_plural = _("audit records")
        ordering = ["-at", "-id"]
        default_permissions = ["view"]
        indexes = [models.Index(fields=["resource_type", "resource_id", "-at"])]

    def __str__(self) -> str:
        return f"{self.user_name or '-'} {self.verb} {self.resource_name}"


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # knox is not typed
    """A user's named token. Only its digest is kept; the token itself is shown once."""

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(_("digest"), max_length=128, unique=True)
    # knox's fields, with names that people read
    token_key = models.CharField(_("begins with"), max_length=25, db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="auth_token_set",
        verbose_name=_("user"),
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)
    expiry = models.DateTimeField(_("expires"), null=True, blank=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created", "-id"]

    def __str__(self) -> str:
        return self.name or self.token_key


class RememberedAnswer(models.Model):
    """The first answer to a request with an `Idempotency-Key`, kept for 24 hours for its user."""

    KEPT: ClassVar[timedelta] = timedelta(hours=24)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions: ClassVar[list[str]] = []
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="one_answer_a_key"),
        ]

    def __str__(self) -> str:
        return self.key
