"""The fixed vocabularies of chats."""

from __future__ import annotations

from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


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


class ThinkLevel(TextChoices):
    """How much a model thinks before it answers, in Ollama's words. Few models know levels."""

    LOW = "low", pgettext_lazy("thinking", "low")
    MEDIUM = "medium", pgettext_lazy("thinking", "medium")
    HIGH = "high", pgettext_lazy("thinking", "high")
    MAX = "max", pgettext_lazy("thinking", "max")


Format = str | dict[str, Any] | None
"""Ollama's `format`: one of `AnswerFormat`, a JSON schema, or None for none."""

Think = bool | str | None
"""Ollama's `think`: on, off, one of `ThinkLevel`, or None for what the model does by itself."""

UNDER_WAY = (AnswerState.PENDING, AnswerState.STREAMING)
