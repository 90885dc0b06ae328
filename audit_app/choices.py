"""The audit's fixed vocabularies."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Origin(TextChoices):
    """The surface that an action came through."""

    PAGE = "page", _("page")
    API = "api", _("API")
    COMMAND = "command", _("command line")
    SYSTEM = "system", _("panel")


class Outcome(TextChoices):
    """What became of an attempt."""

    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
