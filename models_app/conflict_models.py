"""What the panel and a server say differently of a model, until it is settled."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _


class ConflictKind(TextChoices):
    """What differs. The last two are models that the panel did not bring there."""

    CHANGED = "changed", _("changed outside")
    GONE = "gone", _("gone from the server")
    FOREIGN = "foreign", _("brought there by somebody else")
    TWIN = "twin", _("another name of a model that is there")


class ConflictState(TextChoices):
    """An ignored conflict is not named again while both sides stay as they are."""

    OPEN = "open", _("open")
    IGNORED = "ignored", _("ignored")
    SETTLED = "settled", _("settled")


class Settlement(TextChoices):
    """How it was settled."""

    NONE = "", _("not yet")
    SERVER = "server", _("by the server's side")
    PANEL = "panel", _("by the panel's side")
    IGNORED = "ignored", _("left as it is")
    VANISHED = "vanished", _("by itself")


LIVE_STATES = (ConflictState.OPEN, ConflictState.IGNORED)


class SyncConflict(models.Model):
    """One model on which a sync found the panel and the server to differ.

    `panel_side` and `server_side` are `{digest, size, modified_at}`, or null where that side has no
    such model; of a twin the panel's side names the others with its content (`names`). `task` is
    the download that is to bring back the panel's side.
    """

    server = models.ForeignKey(
        "models_app.OllamaServer",
        on_delete=models.CASCADE,
        related_name="conflicts",
        verbose_name=_("server"),
    )
    model = models.ForeignKey(
        "models_app.OllamaModel",
        on_delete=models.SET_NULL,
        null=True,
        related_name="conflicts",
        verbose_name=_("model"),
    )
    name = models.CharField(_("name"), max_length=512)
    key = models.CharField(_("full name"), max_length=700)
    kind = models.CharField(_("kind"), max_length=16, choices=ConflictKind.choices)
    panel_side = models.JSONField(_("the panel's side"), null=True)
    server_side = models.JSONField(_("the server's side"), null=True)
    state = models.CharField(
        _("state"), max_length=16, choices=ConflictState.choices, default=ConflictState.OPEN
    )
    how = models.CharField(
        _("settled"), max_length=16, choices=Settlement.choices, default=Settlement.NONE, blank=True
    )
    task = models.ForeignKey(
        "tasks_app.Task",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("task"),
    )
    found_at = models.DateTimeField(_("found"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("settled by"),
    )

    class Meta:
        verbose_name = _("conflict")
        verbose_name_plural = _("conflicts")
        ordering = ["-found_at", "-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["state", "server", "name"], name="conflict_of_server"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["server", "key"],
                condition=Q(state__in=("open", "ignored")),
                name="one_conflict_a_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}"
