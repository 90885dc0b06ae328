"""What the admin tells of a deletion, without the rows that mean nothing to a person."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst


def leave_out(
    models: Collection[type[Model]], told: list[Any], counts: dict[Any, int]
) -> tuple[list[Any], dict[Any, int]]:
    """The nested list of deleted objects and the counts by kind, without rows of these models."""
    kinds = {str(model._meta.verbose_name_plural) for model in models}
    beginnings = tuple(f"{capfirst(str(model._meta.verbose_name))}: " for model in models)
    return _rest(told, beginnings), {
        kind: count for kind, count in counts.items() if str(kind) not in kinds
    }


def _rest(told: list[Any], beginnings: tuple[str, ...]) -> list[Any]:
    """What is left of a list of texts, in which a list holds what hangs on the text before it."""
    left: list[Any] = []
    for item in told:
        if isinstance(item, list):
            if rest := _rest(item, beginnings):
                left.append(rest)
        elif not item.startswith(beginnings):
            left.append(item)
    return left
