"""The filters that are one click away in the list of models, each with how many it would show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from models_app.choices import ModelStatus
from models_app.filters import OllamaModelFilter
from models_app.querysets import OllamaModelQuerySet, is_unavailable

# The flags and their columns.
FLAGS = {"loaded": "is_loaded", "pinned": "pinned", "outdated": "outdated"}
# Of more models the counts take longer than the list: a page comes without them and asks again.
COUNTED_AT_ONCE = 20_000
Counts = dict[str, int] | None


@dataclass(frozen=True)
class QuickFilter:
    """`name=value` switched on or off; `address` is the list with that done, as a query string.

    `count` is None where nobody has counted yet.
    """

    name: str
    value: str
    label: str
    count: int | None
    is_on: bool
    address: str


def counting_takes_long(models: OllamaModelQuerySet) -> bool:
    """Whether a page should not wait for the counts of so many models."""
    return models.count() > COUNTED_AT_ONCE


def switched_on(query: QueryDict) -> list[QuickFilter]:
    """Those that are switched on, without counts."""
    return [*_of_statuses(None, query), *_of_flags(None, query)]


def quick_filters(models: OllamaModelQuerySet, asked: OllamaModelFilter) -> list[QuickFilter]:
    """Every status and flag that some of these models has in the list which is `asked` for, and
    those that are switched on.

    Each counts what the list would show with its own facet exchanged and the rest as it is: this
    status instead of those that are chosen, this flag whatever is asked of it now. Two queries,
    each of which reads once what the rest leaves.
    """
    query: Any = asked.data
    if not asked.is_valid():
        return switched_on(query)
    rows: Any = models
    wanted: dict[str, Any] = asked.form.cleaned_data
    for name, value in wanted.items():
        if name not in (*FLAGS, "status", "ordering"):
            rows = asked.filters[name].filter(rows, value)
    chosen = {name: wanted[name] for name in FLAGS if wanted.get(name) is not None}
    statuses = _count_statuses(rows.filter(_flags(chosen)).order_by())
    if "status" in wanted:
        rows = asked.filters["status"].filter(rows, wanted["status"])
    return [
        *_of_statuses(statuses, query),
        *_of_flags(_count_flags(rows.order_by(), chosen), query),
    ]


def _count_statuses(rows: OllamaModelQuerySet) -> dict[str, int]:
    """By live status. Grouped by the written one, which an index has in order."""
    found = rows.values("status").annotate(n=Count("pk"), gone=Count("pk", filter=is_unavailable()))
    counts = {row["status"]: row["n"] - row["gone"] for row in found}
    counts[ModelStatus.UNAVAILABLE] = sum(row["gone"] for row in found)
    return counts


def _count_flags(rows: OllamaModelQuerySet, chosen: dict[str, bool]) -> dict[str, int]:
    """How many have each flag, and the others as they are chosen."""
    # What is switched on holds for all that is counted, and may have few rows and an index.
    rows = rows.filter(_flags({name: value for name, value in chosen.items() if value}))
    conditions = {name: _flags({**chosen, name: True}) for name in FLAGS}
    return rows.aggregate(
        **{f"{name}_count": Count("pk", filter=wanted) for name, wanted in conditions.items()}
    )


def _flags(values: dict[str, bool]) -> Q:
    # Not by the column alone, for which SQLite uses no index.
    return Q(**{f"{FLAGS[name]}__in": [value] for name, value in values.items()})


def _of_statuses(counts: Counts, query: QueryDict) -> Iterator[QuickFilter]:
    asked = chosen_in(query, "status")
    for status in ModelStatus:
        is_on = status.value in asked
        count = None if counts is None else counts.get(status.value, 0)
        if is_on or count:
            others = [word for word in asked if word != status.value]
            words = others if is_on else [*others, status.value]
            address = _with(query, "status", words)
            yield QuickFilter("status", status.value, str(status.label), count, is_on, address)


def _of_flags(counts: Counts, query: QueryDict) -> Iterator[QuickFilter]:
    labels = {"loaded": _("loaded"), "pinned": _("pinned"), "outdated": _("outdated")}
    for name, label in labels.items():
        count = None if counts is None else counts.get(f"{name}_count", 0)
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
