"""What people set for the whole panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from models_app.choices import RETRIED_CODES, RetryOn
from models_app.querysets import PanelSettingsQuerySet

if TYPE_CHECKING:
    from models_app.models import OllamaServer


def every_retry() -> list[str]:
    """A download is tried again after every kind of failure that may pass."""
    return list(RetryOn.values)


class PanelSettings(models.Model):
    """What holds for all servers that have no value of their own; one row, or none yet.

    Sizes in bytes, times in seconds. `downloads_held`: nothing new begins until people say so.
    """

    downloads_per_server = models.PositiveSmallIntegerField(
        _("downloads at once on each server"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
    )
    downloads_overall = models.PositiveSmallIntegerField(
        _("downloads at once in all"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
    )
    downloads_held = models.BooleanField(_("downloads are held"), default=False)
    keep_free_disk = models.BigIntegerField(
        _("bytes to keep free on the disk"),
        default=1_000_000_000,
        validators=[MinValueValidator(0)],
    )
    keep_free_memory = models.BigIntegerField(
        _("bytes to keep free in memory"), default=0, validators=[MinValueValidator(0)]
    )
    retry_on = models.JSONField(_("tried again after"), default=every_retry, blank=True)
    retry_attempts = models.PositiveSmallIntegerField(
        _("attempts"), default=8, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    retry_backoff = models.PositiveSmallIntegerField(
        _("first pause (s)"), default=2, validators=[MinValueValidator(1), MaxValueValidator(3600)]
    )
    retry_longest = models.PositiveIntegerField(
        _("longest pause (s)"),
        default=120,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
    )

    objects = PanelSettingsQuerySet.as_manager()

    class Meta:
        verbose_name = _("settings of the panel")
        verbose_name_plural = _("settings of the panel")
        default_permissions = ["view", "change"]
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_settings"),
        ]

    def __str__(self) -> str:
        return str(_("settings of the panel"))

    def downloads_on(self, server: OllamaServer | None) -> int:
        """How many downloads a server may run at once."""
        return (server.max_downloads if server else None) or self.downloads_per_server

    def retried_codes(self) -> frozenset[str]:
        """The codes of the errors after which a download is tried again."""
        kinds = [kind for kind in self.retry_on if kind in RETRIED_CODES]
        codes = {code for kind in kinds for code in RETRIED_CODES[kind]}
        return frozenset(codes | {"internal", "unavailable"})  # the panel's own hiccups

    def disk_kept(self, server: OllamaServer) -> int:
        """The bytes that downloads leave free on the disk of a server."""
        own = server.keep_free_disk
        return self.keep_free_disk if own is None else own

    def memory_kept(self, server: OllamaServer) -> int:
        """The bytes of a server's memory that models shall not take."""
        own = server.keep_free_memory
        return self.keep_free_memory if own is None else own
