"""Ollama servers and their models."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from models_app.batch_models import Batch
from models_app.chat.records import ChatMessage, ChatSession, ModelUse
from models_app.choices import (
    AuthKind,
    ModelStatus,
    OnConflict,
    ServerKind,
    ServerStatus,
    Source,
)
from models_app.conflict_models import SyncConflict
from models_app.host_models import HostReport
from models_app.past import Outlasting
from models_app.querysets import OllamaModelQuerySet, OllamaServerQuerySet
from models_app.search_records import RecentSearch, SavedSearch
from models_app.settings_models import PanelSettings
from ollamactl.lib.crypto import EncryptedJSONField
from ollamactl.lib.quick_rows import QuickRow
from ollamactl.lib.sentences import SentenceField

__all__ = [
    "Batch",
    "Benchmark",
    "ChatMessage",
    "ChatSession",
    "HostReport",
    "ModelUse",
    "OllamaModel",
    "OllamaServer",
    "PanelSettings",
    "RecentSearch",
    "SavedSearch",
    "SyncConflict",
]


class OllamaServer(QuickRow):
    """One Ollama that the panel looks after.

    `status`, `reason`, `message`, `version`, `latency_ms` and the times come from checks alone.
    `reason` is a code of `models_app.ollama.errors` for programs, `message` its sentence.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    base_url = models.CharField(_("base URL"), max_length=500, unique=True)
    kind = models.CharField(
        _("kind"),
        max_length=16,
        choices=ServerKind.choices,
        default=ServerKind.EXTERNAL,
        db_index=True,
    )
    auth_kind = models.CharField(
        _("authentication"), max_length=16, choices=AuthKind.choices, default=AuthKind.NONE
    )
    # bearer: {token}; basic: {username, password}; header: {name, value}
    credentials = EncryptedJSONField(_("credentials"), default=dict, blank=True)
    ca_pem = models.TextField(_("own certificate authority (PEM)"), blank=True)
    open_webui_url = models.CharField(
        _("address of Open WebUI"), max_length=500, blank=True, default=""
    )
    on_conflict = models.CharField(
        _("where the panel and the server differ"),
        max_length=16,
        choices=OnConflict.choices,
        default=OnConflict.SERVER,
    )
    max_downloads = models.PositiveSmallIntegerField(
        _("downloads at once"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: the panel's default."),
    )
    keep_free_disk = models.BigIntegerField(
        _("bytes to keep free on the disk"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Empty: the panel's default."),
    )
    keep_free_memory = models.BigIntegerField(
        _("bytes to keep free in memory"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Empty: the panel's default."),
    )

    status = models.CharField(
        _("status"),
        max_length=16,
        choices=ServerStatus.choices,
        default=ServerStatus.UNKNOWN,
        db_index=True,
    )
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    message = SentenceField(_("message"), default="", blank=True)
    version = models.CharField(_("version"), max_length=64, blank=True, db_index=True)
    latency_ms = models.FloatField(_("latency (ms)"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    next_check_at = models.DateTimeField(_("next check"), null=True, blank=True, db_index=True)
    tags_seen_at = models.DateTimeField(_("list of models read"), null=True, blank=True)
    tags_hash = models.CharField(_("hash of the list of models"), max_length=64, blank=True)
    synced_at = models.DateTimeField(_("synced"), null=True, blank=True)
    seq = models.BigIntegerField(_("version of the row"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = OllamaServerQuerySet.as_manager()

    class Meta:
        verbose_name = _("server")
        verbose_name_plural = _("servers")
        ordering = ["name", "id"]
        permissions = [("sync_ollamaserver", _("Can sync servers"))]

    def __str__(self) -> str:
        return self.name

    @property
    def is_simulated(self) -> bool:
        """Whether the server says of itself that it is the simulator."""
        return self.version.endswith("-simulated")


class OllamaModel(QuickRow):
    """One model on one server.

    `name` is as `/api/tags` shows it, `key` the normalised full name in lower case. `status` is one
    of the written `ModelStatus` values; passing ones have a live `last_task` behind them.
    `digest` is empty until the model is on the server. `loaded` mirrors `/api/ps`:
    `{size, size_vram, processor, context_length, expires_at}` (bytes, words, tokens, ISO 8601 or
    null for ever). `kv_cache`: what a model in memory keeps of its context (`KvCache.as_json`), by
    what `/api/show` has said; null until it has been asked for. `parameter_lines`
    likewise: the parameters of its Modelfile, a list of lines.
    """

    server = models.ForeignKey(
        OllamaServer,
        on_delete=models.CASCADE,
        related_name="models",
        db_index=False,  # others begin with it
        verbose_name=_("server"),
    )
    name = models.CharField(_("name"), max_length=512)
    key = models.CharField(_("full name"), max_length=700)
    source = models.CharField(_("source"), max_length=16, choices=Source.choices)
    status = models.CharField(_("status"), max_length=16, choices=ModelStatus.choices)
    message = SentenceField(_("message"), default="", blank=True)
    size = models.BigIntegerField(_("size"), null=True, blank=True, db_index=True)
    digest = models.CharField(_("digest"), max_length=64, blank=True, db_index=True)
    family = models.CharField(_("family"), max_length=64, blank=True)
    parameter_size = models.CharField(_("parameters"), max_length=32, blank=True)
    quantization = models.CharField(_("quantization"), max_length=32, blank=True)
    context_length = models.PositiveBigIntegerField(_("context length"), null=True, blank=True)
    kv_cache = models.JSONField(_("key-value cache"), null=True, blank=True)
    parameter_lines = models.JSONField(_("Modelfile parameters"), null=True, blank=True)
    loaded = models.JSONField(_("loaded"), null=True, blank=True)
    is_loaded = models.BooleanField(_("in memory"), default=False)
    pinned = models.BooleanField(_("pinned"), default=False)
    outdated = models.BooleanField(_("outdated"), null=True, blank=True)
    modified_at = models.DateTimeField(_("modified"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, db_index=True)
    last_task = models.ForeignKey(
        "tasks_app.Task",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("last task"),
    )
    seq = models.BigIntegerField(_("version of the row"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    objects = OllamaModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ["name", "id"]
        default_permissions = ["view", "delete"]
        permissions = [
            ("pull_ollamamodel", _("Can pull models")),
            ("start_ollamamodel", _("Can start models")),
            ("stop_ollamamodel", _("Can stop models")),
            ("copy_ollamamodel", _("Can copy and rename models")),
            ("pin_ollamamodel", _("Can pin models")),
            ("recreate_ollamamodel", _("Can recreate models")),
            ("benchmark_ollamamodel", _("Can benchmark models")),
            ("chat_ollamamodel", _("Can chat with models")),
            ("override_preflight", _("Can continue against the resource check")),
        ]
        constraints = [
            # The name first: people ask for one on all servers.
            models.UniqueConstraint(fields=["key", "server"], name="one_model_a_name"),
            models.CheckConstraint(
                condition=~models.Q(status=ModelStatus.UNAVAILABLE),
                name="unavailable_is_never_written",
            ),
        ]
        # What is filtered by comes in the order of the names: a page is found without sorting.
        indexes = [
            models.Index(fields=["server", "digest"]),
            # Else some names of one server are looked for among all that it has.
            models.Index(fields=["server", "key"], name="key_of_server"),
            models.Index(fields=["name"]),
            models.Index(fields=["server", "name"], name="model_of_server"),
            models.Index(fields=["status", "name", "server"], name="model_by_status"),
            models.Index(fields=["source", "name"], name="model_by_source"),
            models.Index(fields=["is_loaded", "name"], name="model_by_loaded"),
            models.Index(fields=["pinned", "name"], name="model_by_pinned"),
            models.Index(fields=["outdated", "name"], name="model_by_outdated"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_installed(self) -> bool:
        """Whether the server has the model (an older version, where a pull is under way)."""
        return bool(self.digest)


class Benchmark(Outlasting):
    """How fast one version of a model answered, once. Written by its task, never changed.

    Times in seconds, rates in tokens a second; None: not measured or not said. `load_seconds` is
    None where the model was in memory already. `processor` as `ollama ps` says it.
    """

    model = models.ForeignKey(
        OllamaModel,
        on_delete=models.CASCADE,
        null=True,
        related_name="benchmarks",
        verbose_name=_("model"),
    )
    # One result a task, however often its end is written.
    task = models.OneToOneField(
        "tasks_app.Task",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("task"),
    )
    load_seconds = models.FloatField(_("load time (s)"), null=True)
    first_token_seconds = models.FloatField(_("time to the first token (s)"))
    prompt_rate = models.FloatField(_("prompt tokens a second"), null=True)
    token_rate = models.FloatField(_("tokens a second"))
    tokens = models.PositiveIntegerField(_("tokens"))
    context_length = models.PositiveBigIntegerField(_("context length"), null=True)
    processor = models.CharField(_("processor"), max_length=32, blank=True)
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    server_version = models.CharField(_("version"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("benchmark")
        verbose_name_plural = _("benchmarks")
        ordering = ["-created_at", "-pk"]
        default_permissions = ["view"]
        indexes = [
            models.Index(fields=["model", "created_at"]),
            models.Index(fields=["past_server", "past_key"], name="benchmark_of_the_past"),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}: {self.token_rate:.1f} tokens/s"
