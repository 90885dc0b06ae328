"""Chats, their messages, and who used which model how much."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from models_app.chat.choices import (
    UNDER_WAY,
    AnswerFormat,
    AnswerState,
    Format,
    Role,
    Think,
    ThinkLevel,
)
from models_app.chat.querysets import ChatQuerySet
from models_app.past import Outlasting
from ollamactl.lib.sentences import SentenceField


class ChatSession(models.Model):
    """One conversation. It belongs to its owner; nobody else sees it.

    `model` is null once the model is gone from the panel: its name stays, and another one can be
    chosen. `options` as in a Modelfile; `think` and `format` null leave it to the model; a
    `think_level` goes with a `think` that is on, and a `format_schema` (a JSON schema) with a
    `format` that is `json`. `verbose` says whether all figures are shown after an answer or none;
    null: those that the page shows by itself. Messages before `context_from` (a position) are
    shown, but not told to the model any more.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("owner"),
    )
    model = models.ForeignKey(
        "models_app.OllamaModel",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("model"),
    )
    model_name = models.CharField(_("name of the model"), max_length=512)
    server_name = models.CharField(_("name of the server"), max_length=100, blank=True)
    title = models.CharField(_("title"), max_length=200, blank=True)
    system = models.TextField(_("system prompt"), blank=True)
    options = models.JSONField(_("parameters"), default=dict, blank=True)
    think = models.BooleanField(_("thinking"), null=True, blank=True)
    # Null and not empty, so that SQLite adds such columns without a copy of the table.
    think_level = models.CharField(  # noqa: DJ001
        _("level of thinking"), max_length=16, choices=ThinkLevel.choices, null=True, blank=True
    )
    format = models.CharField(  # noqa: DJ001
        _("format of answers"), max_length=16, choices=AnswerFormat.choices, null=True, blank=True
    )
    format_schema = models.JSONField(_("schema of answers"), null=True, blank=True)
    verbose = models.BooleanField(_("figures after an answer"), null=True, blank=True)
    context_from = models.PositiveIntegerField(_("context begins at"), default=0)
    seq = models.BigIntegerField(_("version of the row"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now_add=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
        ordering = ["-updated_at", "-id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["owner", "-updated_at", "-id"], name="chat_of_owner"),
            models.Index(fields=["owner", "title"], name="chat_by_title"),
            models.Index(fields=["owner", "created_at"], name="chat_by_created"),
            models.Index(fields=["updated_at"], name="chat_by_use"),
        ]

    def __str__(self) -> str:
        return self.title or gettext("New chat")

    @property
    def think_value(self) -> Think:
        """The level where there is one, else whether the model thinks first."""
        return self.think_level or self.think

    @property
    def format_value(self) -> Format:
        """The schema where there is one, else the format."""
        schema: dict[str, Any] | None = self.format_schema
        return schema or self.format

    @property
    def format_label(self) -> str:
        """The format for people; empty for none."""
        return (
            gettext("JSON by a schema") if self.format_schema else self.get_format_display() or ""
        )


class ChatMessage(models.Model):
    """What was said at one position of a chat, numbered from 1.

    | state | from | by |
    |---|---|---|
    | pending | - | the prompt: its answer's row is there before anybody is told |
    | streaming | pending, streaming | a worker that begins; `epoch` is its task's, and its fence |
    | complete, failed | streaming | the end of the task |
    | stopped | pending, streaming | a cancelled task; what was written stays |
    | pending | streaming | a worker that was lost or ends: another begins anew |

    An edit or another answer replaces messages: those have `is_current` False. Times in seconds;
    None: not known. `restarts` counts the answers to one prompt that were lost with their worker.
    """

    session = models.ForeignKey(
        ChatSession, on_delete=models.CASCADE, related_name="messages", verbose_name=_("chat")
    )
    position = models.PositiveIntegerField(_("position"))
    is_current = models.BooleanField(_("current"), default=True)
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    content = models.TextField(_("text"), blank=True)
    thinking = models.TextField(_("thinking"), blank=True)
    state = models.CharField(
        _("state"), max_length=16, choices=AnswerState.choices, default=AnswerState.COMPLETE
    )
    error_code = models.CharField(_("code of the error"), max_length=64, blank=True)
    error = SentenceField(_("error"), default="", blank=True)
    model_name = models.CharField(_("name of the model"), max_length=512, blank=True)
    task = models.ForeignKey(
        "tasks_app.Task",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("task"),
    )
    epoch = models.PositiveIntegerField(_("epoch"), default=0)
    restarts = models.PositiveSmallIntegerField(_("begun anew"), default=0)
    done_reason = models.CharField(_("why it ended"), max_length=50, blank=True)
    prompt_tokens = models.PositiveBigIntegerField(_("tokens of the prompt"), null=True)
    tokens = models.PositiveBigIntegerField(_("tokens"), null=True)
    load_seconds = models.FloatField(_("load time (s)"), null=True)
    first_token_seconds = models.FloatField(_("time to the first token (s)"), null=True)
    token_rate = models.FloatField(_("tokens a second"), null=True)
    seconds = models.FloatField(_("time in all (s)"), null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["position", "id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["session", "is_current", "position"], name="chat_messages"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "position"], condition=Q(is_current=True), name="one_a_position"
            ),
            # Whoever asks twice at once, in two tabs: one of them is told to wait.
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state__in=UNDER_WAY, is_current=True),
                name="one_answer_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id}/{self.position}"

    @property
    def is_answer(self) -> bool:
        """Whether the model said it."""
        return self.role == Role.ASSISTANT

    @property
    def is_under_way(self) -> bool:
        """Whether more of it may come."""
        return self.state in UNDER_WAY


class ModelUse(Outlasting):
    """One request that a model answered, without what was said: it outlives the chat.

    Written once by the end of its task. Rates in tokens a second, times in seconds; None: not said.
    """

    model = models.ForeignKey(
        "models_app.OllamaModel",
        on_delete=models.CASCADE,
        null=True,
        related_name="uses",
        verbose_name=_("model"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    task = models.OneToOneField(
        "tasks_app.Task",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("task"),
    )
    prompt_tokens = models.PositiveBigIntegerField(_("tokens of the prompt"), default=0)
    tokens = models.PositiveBigIntegerField(_("tokens"), default=0)
    load_seconds = models.FloatField(_("load time (s)"), null=True)
    first_token_seconds = models.FloatField(_("time to the first token (s)"), null=True)
    token_rate = models.FloatField(_("tokens a second"), null=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("use of a model")
        verbose_name_plural = _("uses of models")
        ordering = ["-created_at", "-pk"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["model", "-created_at"], name="use_of_model"),
            models.Index(fields=["model", "user"], name="use_by_user"),
            models.Index(fields=["past_server", "past_key"], name="use_of_the_past"),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.tokens}"
