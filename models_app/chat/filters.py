"""Filters of the list of chats, for the page and the API."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from models_app.chat.querysets import ChatQuerySet
from models_app.chat.records import ChatSession
from models_app.chat.sessions import search_chats
from ollamactl.lib.filters import AskedFilterSet, NumbersFilter, OrderFilter, TimeFilter


class ChatFilter(AskedFilterSet):
    """A user's chats."""

    search = django_filters.CharFilter(method="filter_search", max_length=200, label=_("Search"))
    model = NumbersFilter(label=_("Model"))
    server = NumbersFilter(field_name="model__server", label=_("Server"))
    created_after = TimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = TimeFilter(field_name="created_at", lookup_expr="lte")
    ordering = OrderFilter(
        fields={name: name for name in ("updated_at", "created_at", "title", "model_name")}
    )

    class Meta:
        model = ChatSession
        fields: list[str] = []

    def filter_search(self, queryset: ChatQuerySet, name: str, value: str) -> ChatQuerySet:
        """Those with these words in their title or in what was said."""
        return search_chats(queryset, value) if value else queryset
