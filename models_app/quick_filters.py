"""The filters that are one click away in the list of models, each with how many it would show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.http import QueryDict
from django.utils.translation import gettext as _

from models_app.choices import ModelStatus
from models_app.querysets import OllamaModelQuerySet


@dataclass(frozen=True)
class QuickFilter:
    """`name=value` switched on or off; `address` is the list with that done, as a query string."""

    name: str
    value: str
    label: str
    count: int
    is_on: bool
    address: str


def quick_filters(models: OllamaModelQuerySet, query: QueryDict) -> list[QuickFilter]:
    """Every status that some model has and the flags, for the list that `query` asks for.

    They count all models, whatever else is filtered by. Four queries, each read from an index.
    """
    rows = models.order_by()
    by_status: Any = rows.with_live_status()
    statuses = dict(by_status.values_list("live_status").annotate(Count("pk")))
    flags = {
        "loaded": (_("loaded"), rows.filter(is_loaded=True).count()),
        "pinned": (_("pinned"), rows.filter(pinned=True).count()),
        "outdated": (_("outdated"), rows.filter(outdated=True).count()),
    }
    return [*_of_statuses(statuses, query), *_of_flags(flags, query)]


def _of_statuses(counts: dict[str, int], query: QueryDict) -> Iterator[QuickFilter]:
    asked = chosen_in(query, "status")
    for status in ModelStatus:
        is_on = status.value in asked
        if is_on or counts.get(status.value):
            others = [word for word in asked if word != status.value]
            words = others if is_on else [*others, status.value]
            address = _with(query, "status", words)
            label, count = str(status.label), counts.get(status.value, 0)
            yield QuickFilter("status", status.value, label, count, is_on, address)


def _of_flags(flags: dict[str, tuple[str, int]], query: QueryDict) -> Iterator[QuickFilter]:
    for name, (label, count) in flags.items():
        is_on = chosen_in(query, name) == ["true"]
        if is_on or count:
            address = _with(query, name, [] if is_on else ["true"])
            yield QuickFilter(name, "true", label, count, is_on, address)


def chosen_in(query: QueryDict, name: str) -> list[str]:
    """The words of a parameter, written as `x=a&x=b` or as `x=a,b`."""
    return [
        word.strip() for text in query.getlist(name) for word in text.split(",") if word.strip()
    ]


def _with(query: QueryDict, name: str, words: list[str]) -> str:
    changed = query.copy()
    changed.pop("page", None)
    changed.setlist(name, words)
    return changed.urlencode() or f"{name}="
