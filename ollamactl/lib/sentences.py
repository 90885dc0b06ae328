"""Sentences that are written once and read later, by people of either language.

A worker stores what went wrong; who reads it may speak another language. So what is stored is the
English sentence, which is the key of its translation, with its values beside it.
"""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext, override

from ollamactl.lib.errors import ApplicationError

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField  # only the stubs make it generic

_MARK = '{"sentence":'


class Sentence:
    """An English sentence with `{name}` places, shown in the language of whoever reads it.

    The text is marked with `gettext_lazy` or `gettext_noop` where it is written; values are JSON
    types or sentences.
    """

    def __init__(self, text: object, **values: Any) -> None:
        self.text = text if isinstance(text, str) else _english(text)
        self.values = values

    def __str__(self) -> str:
        if not self.text:
            return ""
        shown = gettext(self.text)
        if not self.values:
            return shown
        try:
            return shown.format(**self.values)
        except (LookupError, ValueError):  # a translation with other places than the original
            return self.text.format(**self.values)

    def __repr__(self) -> str:
        return f"Sentence({self.text!r}, {self.values!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Sentence, str)) and to_stored(self) == to_stored(other)

    def __hash__(self) -> int:
        return hash(to_stored(self))

    def __bool__(self) -> bool:
        return bool(self.text)


def join_sentences(*sentences: object) -> str:
    """One after another in the reader's language: Chinese has no space between two."""
    # Translators: two whole sentences, one after the other
    pair = gettext("%(first)s %(second)s")
    texts = [str(sentence) for sentence in sentences] or [""]
    return reduce(lambda first, second: pair % {"first": first, "second": second}, texts)


def to_stored(detail: object) -> str:
    """The form in which a detail of any kind is kept: English, its values apart."""
    if isinstance(detail, ApplicationError):
        detail = detail.detail
    if isinstance(detail, Sentence):
        if not detail.values:
            return detail.text
        return json.dumps(_plain(detail), ensure_ascii=False)
    return _english(detail)


def from_stored(text: str) -> Sentence:
    """The sentence of a stored text; other programs' own words stay as they are."""
    if text.startswith(_MARK):
        try:
            return _of_json(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            return Sentence(text)
    return Sentence(text)


def _of_json(kept: dict[str, Any]) -> Sentence:
    values = kept["values"].items()
    shown = {name: _of_json(value) if isinstance(value, dict) else value for name, value in values}
    return Sentence(str(kept["sentence"]), **shown)


def _english(text: object) -> str:
    with override("en"):
        return str(text)


def _plain(value: Any) -> Any:
    """A value as JSON holds it; a sentence within a sentence stays one."""
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, Sentence):
        values = {name: _plain(inner) for name, inner in value.values.items()}
        return {"sentence": value.text, "values": values}
    return {"sentence": _english(value), "values": {}}


class SentenceField(TextField):
    """A text that is stored in English and read as a `Sentence`."""

    if TYPE_CHECKING:  # what may be assigned and what is read, for the stubs' plugin
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> str:
        return to_stored(value or "")

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Sentence:
        return from_stored(value or "")

    def to_python(self, value: Any) -> Any:
        return value or ""
