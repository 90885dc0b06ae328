"""What a worker on a server's host says of that machine."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from models_app.resources.machine import Gpu, GpuProblem, Memory

# So much may a clock be set back before a report of the future is believed no more.
AHEAD = timedelta(seconds=5)
# Apart, so that the attribute below is the one that types know.
_NOW = {"now": Now()}


class FolderProblem(models.TextChoices):
    """Why a worker cannot tell the disk of the models."""

    NONE = "", _("none")
    NO_FOLDER = "no_folder", _("the folder of the models was not found")
    UNREADABLE = "unreadable", _("the folder of the models may not be read")
    OTHER_MODELS = "other_models", _("the folder has none of this server's models")
    SLOW = "slow", _("the disk did not answer in time")


class HostReportQuerySet(models.QuerySet["HostReport"]):
    """Reports of hosts."""

    def with_age(self) -> HostReportQuerySet:
        """Adds `now`, the database's time: hosts and the panel may have other clocks."""
        return self.annotate(**_NOW)


class HostReport(models.Model):
    """The newest figures of one server's host; bytes, null: not known there.

    Written every few seconds by the worker that was started there for this server, and believed
    only while it is fresh. `seen_at` is the database's time. `gpus`: a list of `Gpu`s as JSON; null
    where nobody knows them, for the reason in `gpu_problem`. `worker`: a random word of the process
    that wrote it; `rival` and `rival_seen_at`: another that wrote in between, and when.
    """

    server = models.OneToOneField(
        "models_app.OllamaServer",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="host_report",
        verbose_name=_("server"),
    )
    host = models.CharField(_("host"), max_length=255)
    folder = models.TextField(_("folder of the models"), blank=True)
    problem = models.CharField(
        _("problem"), max_length=16, choices=FolderProblem.choices, blank=True
    )
    disk_total = models.BigIntegerField(_("size of the disk"), null=True)
    disk_free = models.BigIntegerField(_("free on the disk"), null=True)
    memory_total = models.BigIntegerField(_("memory"), null=True)
    memory_free = models.BigIntegerField(_("free memory"), null=True)
    gpus = models.JSONField(_("GPUs"), null=True)
    gpu_problem = models.CharField(
        _("problem of the GPUs"), max_length=16, choices=GpuProblem.choices, blank=True
    )
    worker = models.CharField(_("process that reports"), max_length=16, blank=True)
    rival = models.CharField(_("other worker"), max_length=300, blank=True)
    rival_seen_at = models.DateTimeField(_("other worker seen"), null=True)
    seen_at = models.DateTimeField(_("seen"))
    seq = models.BigIntegerField(_("version of the row"), default=0)

    objects = HostReportQuerySet.as_manager()

    if TYPE_CHECKING:
        now: datetime

    class Meta:
        verbose_name = _("report of a host")
        verbose_name_plural = _("reports of hosts")
        default_permissions = ()

    def __str__(self) -> str:
        return self.host

    @property
    def age(self) -> float:
        """Seconds since it was seen, by the database's clock; needs `with_age`."""
        return max(0.0, (self.now - self.seen_at).total_seconds())

    @property
    def is_fresh(self) -> bool:
        """Whether it may be believed; needs `with_age`."""
        return self._is_believed(self.seen_at)

    @property
    def has_rival(self) -> bool:
        """Whether two workers report by turns; needs `with_age`."""
        seen = self.rival_seen_at
        return self.is_fresh and seen is not None and self._is_believed(seen)

    @property
    def reporter(self) -> str:
        """The host and the process that reports."""
        return f"{self.host} ({self.worker})" if self.worker else self.host

    def _is_believed(self, seen: datetime) -> bool:
        believed = timedelta(seconds=settings.HOST_REPORT_BELIEVED_SECONDS)
        return -AHEAD <= self.now - seen < believed

    @property
    def memory(self) -> Memory | None:
        """Main memory, where it is known."""
        if self.memory_total is None or self.memory_free is None:
            return None
        return Memory(total=self.memory_total, free=self.memory_free)

    @property
    def cards(self) -> list[Gpu] | None:
        """The GPUs, where they are known."""
        if self.gpus is None:
            return None
        return [Gpu.from_json(gpu) for gpu in self.gpus]

    @property
    def cards_as_json(self) -> list[dict[str, Any]] | None:
        """The same with all their fields, whichever version of the worker has told them."""
        cards = self.cards
        return None if cards is None else [dataclasses.asdict(gpu) for gpu in cards]
