"""Filters of the lists of models and servers, for pages and the API."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import django_filters
from django import forms
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field

from models_app.choices import ModelStatus, ServerKind, ServerStatus, Source
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.querysets import OllamaModelQuerySet
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.filters import (
    AskedFilterSet,
    BooleanFilter,
    ChoicesFilter,
    NumbersFilter,
    OrderFilter,
    SizeFilter,
    TimeFilter,
)


class ModelNameField(forms.CharField):
    """A model's name in any form; the value is its normalised key."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return ""
        try:
            return ModelName.parse(text).key
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error


@extend_schema_field({"type": "string", "example": "llama3.2"})
class ModelNameFilter(django_filters.Filter):
    """The models with exactly this name, however it is written."""

    field_class = ModelNameField


class _ModelOrder(OrderFilter):
    """Adds the live status to the query where it is ordered by; lists go without it."""

    def filter(self, qs: Any, value: Any) -> Any:
        by_status = any(word.lstrip("-") == "status" for word in value or [])
        return super().filter(qs.with_live_status() if by_status else qs, value)


class OllamaModelFilter(AskedFilterSet):
    """Models; the rows must come with their live status (`for_display`)."""

    search = django_filters.CharFilter(
        field_name="name", method="filter_search", max_length=200, label=_("Search")
    )
    name = ModelNameFilter(field_name="key", label=_("Name"))
    status = ChoicesFilter(ModelStatus.choices, method="filter_status", label=_("Status"))
    server = NumbersFilter(label=_("Server"))
    min_size = SizeFilter(field_name="size", lookup_expr="gte", label=_("Smallest size"))
    max_size = SizeFilter(field_name="size", lookup_expr="lte", label=_("Largest size"))
    created_after = TimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = TimeFilter(field_name="created_at", lookup_expr="lte")
    loaded = BooleanFilter(field_name="is_loaded", label=_("Loaded"))
    outdated = BooleanFilter(label=_("Outdated"))
    pinned = BooleanFilter(label=_("Pinned"))
    ordering = _ModelOrder(
        fields={
            "name": "name",
            "size": "size",
            "created_at": "created_at",
            "status": "live_status",
            "last_used_at": "last_used_at",
        },
        ties={"status": "name"},
    )

    class Meta:
        model = OllamaModel
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> OrderedDict[str, django_filters.Filter]:
        """Adds `from`, which is a keyword of Python's and cannot be written above."""
        filters = super().get_filters()
        filters["from"] = ChoicesFilter(Source.choices, field_name="source", label=_("Source"))
        return filters

    def filter_search(
        self, queryset: OllamaModelQuerySet, name: str, value: str
    ) -> OllamaModelQuerySet:
        """Models whose name has what is typed, or is a few typing errors away from it."""
        return queryset.named_like(value)

    def filter_status(
        self, queryset: OllamaModelQuerySet, name: str, value: list[str]
    ) -> OllamaModelQuerySet:
        """Models that show any of these statuses."""
        return queryset.with_status_in(value) if value else queryset


class OllamaServerFilter(AskedFilterSet):
    """Servers."""

    search = django_filters.CharFilter(
        field_name="name", lookup_expr="icontains", max_length=200, label=_("Search")
    )
    name = django_filters.CharFilter(max_length=100)
    base_url = django_filters.CharFilter(max_length=500)
    kind = ChoicesFilter(ServerKind.choices)
    status = ChoicesFilter(ServerStatus.choices, label=_("Status"))
    version = django_filters.CharFilter(max_length=64)
    ordering = OrderFilter(
        fields={name: name for name in ("name", "status", "latency_ms", "last_seen_at", "version")}
    )

    class Meta:
        model = OllamaServer
        fields: list[str] = []
