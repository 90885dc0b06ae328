"""A search in words, for who has given it no name."""

from __future__ import annotations

from django.http import QueryDict
from django.utils.translation import gettext as _

from models_app.choices import ModelStatus, Source
from models_app.quick_filters import chosen_in

LONGEST = 160


def describe(query: str) -> str:
    """What a query string asks for, in the reader's language, as one short line."""
    asked = QueryDict(query)
    parts = []
    for name in asked:
        words = [_word(name, word) for word in chosen_in(asked, name)]
        if name == "search":
            words = [f"“{asked[name]}”"]
        parts.append(f"{_label(name)}: {', '.join(words)}" if name in _labels() else words[0])
    line = " · ".join(parts) or _("All models")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _word(name: str, word: str) -> str:
    known = {"status": dict(ModelStatus.choices), "from": dict(Source.choices)}.get(name, {})
    flags = {"true": _("yes"), "false": _("no")}
    return str(known.get(word) or flags.get(word) or word)


def _label(name: str) -> str:
    return _labels()[name]


def _labels() -> dict[str, str]:
    return {
        "name": _("Name"),
        "status": _("Status"),
        "from": _("Source"),
        "server": _("Server"),
        "min_size": _("Smallest size"),
        "max_size": _("Largest size"),
        "created_after": _("Added from"),
        "created_before": _("Added before"),
        "loaded": _("Loaded"),
        "outdated": _("Outdated"),
        "pinned": _("Pinned"),
        "ordering": _("Order"),
    }
