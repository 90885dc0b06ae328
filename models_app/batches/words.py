"""The fixed vocabulary of batches."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Operation(TextChoices):
    """What is done with each model of a batch."""

    START = "start", _("Start")
    STOP = "stop", _("Stop")
    DELETE = "delete", _("Delete")
    PULL = "pull", _("Pull")
    RECREATE = "recreate", _("Recreate")
    UPDATE = "update", _("Update")


class OnError(TextChoices):
    """What a batch does after the first failure."""

    CONTINUE = "continue", _("Go on with the others")
    STOP = "stop", _("Begin no others")
    ROLLBACK = "rollback", _("Begin no others, and roll back what was done")


class Outcome(TextChoices):
    """What the plan says of one model."""

    WILL = "will", _("will be done")
    NOTHING = "nothing", _("nothing to do")
    CANNOT = "cannot", _("cannot be done")


MOST = 10_000
"""Models in one batch."""
