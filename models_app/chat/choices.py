"""The fixed vocabularies of chats."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """Who speaks."""

    USER = "user", _("you")
    ASSISTANT = "assistant", _("model")


class AnswerState(TextChoices):
    """Where a message stands. What a person wrote is complete from the start."""

    PENDING = "pending", _("waiting")
    STREAMING = "streaming", _("answering")
    COMPLETE = "complete", _("complete")
    STOPPED = "stopped", _("stopped")
    FAILED = "failed", _("failed")


class AnswerFormat(TextChoices):
    """How a model has to write its answers, in Ollama's words."""

    JSON = "json", "JSON"


UNDER_WAY = (AnswerState.PENDING, AnswerState.STREAMING)
