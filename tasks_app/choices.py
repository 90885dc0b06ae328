"""The states of a task."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where a task stands. Those in `LIVE` may still change by themselves; `ENDED` are final."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


LIVE = (State.QUEUED, State.RUNNING, State.PAUSED)
ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class Unit(TextChoices):
    """What `done` and `total` count."""

    BYTES = "bytes", _("bytes")
    ITEMS = "items", _("items")
    NONE = "", _("none")
