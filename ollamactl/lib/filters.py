"""Filters of lists, the same in pages and in the API: strict, and never an error of the server."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext_lazy as _
from drf_spectacular.drainage import set_override
from drf_spectacular.utils import extend_schema_field

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.units import bytes_of

LARGEST = 2**63 - 1
MANY = 1000
LONGEST_WORD = 100
# An unescaped plus in an address arrives as a space.
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")
_WORDS = {"true": True, "1": True, "false": False, "0": False}


class AskedFilterSet(django_filters.FilterSet):
    """A list's filters, of which only those that are asked for are made.

    Fields and a form of all of them cost a request more than a short list's rows.
    """

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        asked = data or ()
        known = type(self).base_filters
        self.base_filters = OrderedDict((n, each) for n, each in known.items() if n in asked)
        super().__init__(data, *args, **kwargs)

    def get_form_class(self) -> type[forms.Form]:
        """Has no field where nothing is asked for."""
        form: type[forms.Form] = super().get_form_class() if self.filters else forms.Form
        return form


class ListInput(forms.SelectMultiple):
    """Reads `x=a&x=b` and `x=a,b` alike."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        values = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        texts = [values] if isinstance(values, str) else values
        return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]


class ChoicesField(forms.MultipleChoiceField):
    """Any of a fixed set of words."""

    widget = ListInput
    default_error_messages = {
        "invalid_choice": _("“%(value)s” is not one of: %(known)s."),
    }

    def __init__(self, *, choices: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(choices=choices, **kwargs)
        self.known = [key for key, _label in choices]

    def validate(self, value: Any) -> None:
        for word in value:
            if word not in self.known:
                raise forms.ValidationError(
                    self.error_messages["invalid_choice"],
                    code="invalid_choice",
                    params={"value": word[:100], "known": ", ".join(self.known)},
                )


class WordsField(forms.Field):
    """Words that the panel cannot know beforehand."""

    widget = ListInput

    def to_python(self, value: Any) -> list[str]:
        words = [str(word) for word in value or []]
        if len(words) > MANY or any(len(word) > LONGEST_WORD or "\0" in word for word in words):
            raise forms.ValidationError(_("Give a few short words."), code="invalid")
        return words


class NumbersField(forms.Field):
    """Whole numbers."""

    widget = ListInput

    def to_python(self, value: Any) -> list[int]:
        texts = value or []
        if len(texts) > MANY:
            raise forms.ValidationError(_("These are too many numbers."), code="invalid")
        return [self._number(text) for text in texts]

    def _number(self, text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) > LARGEST:
            raise forms.ValidationError(
                _("Give whole numbers, with commas between them."), code="invalid"
            )
        return int(text)


class BooleanField(forms.CharField):
    """`true` or `false`, and nothing else."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values or isinstance(value, bool):
            return None if value in self.empty_values else value
        try:
            return _WORDS[str(value).lower()]
        except KeyError:
            raise forms.ValidationError(_("Give true or false."), code="invalid") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


class SizeField(forms.CharField):
    """Bytes, written as a number or as text such as 4GB."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            return bytes_of(value)
        except InvalidInput as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error


class TimeField(forms.CharField):
    """A point in time in ISO 8601; UTC where it names no zone."""

    def to_python(self, value: Any) -> Any:
        text = _LOST_PLUS.sub("+", str(value or "").strip())
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise forms.ValidationError(
                _("This is not a time. Write it like 2025-01-31T12:00:00Z."), code="invalid"
            ) from None


class ChoicesFilter(django_filters.Filter):
    """Rows with any of the words that are given."""

    field_class = ChoicesField

    def __init__(self, choices: Iterable[tuple[str, Any]], **kwargs: Any) -> None:
        kwargs.setdefault("lookup_expr", "in")
        pairs = list(choices)
        super().__init__(choices=pairs, **kwargs)
        words = {"type": "string", "enum": [key for key, _label in pairs]}
        set_override(self, "field", {"type": "array", "items": words})


@extend_schema_field({"type": "array", "items": {"type": "integer"}})
class NumbersFilter(django_filters.Filter):
    """Rows with any of the numbers that are given."""

    field_class = NumbersField

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("lookup_expr", "in")
        super().__init__(**kwargs)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class WordsFilter(django_filters.Filter):
    """Rows with any of the words that are given."""

    field_class = WordsField

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("lookup_expr", "in")
        super().__init__(**kwargs)


@extend_schema_field({"type": "boolean"})
class BooleanFilter(django_filters.Filter):
    """Rows where a flag is as given; a flag that is not known yet is neither."""

    field_class = BooleanField

    def filter(self, qs: QuerySet[Any], value: bool | None) -> QuerySet[Any]:
        """Written as a comparison: SQLite looks for a flag that stands alone in no index."""
        if value is None or self.lookup_expr != "exact":
            return super().filter(qs, value)
        return qs.filter(**{f"{self.field_name}__in": [value]})


@extend_schema_field({"type": "string", "example": "4GB"})
class SizeFilter(django_filters.Filter):
    """Rows by a size."""

    field_class = SizeField


@extend_schema_field({"type": "string", "format": "date-time"})
class TimeFilter(django_filters.Filter):
    """Rows by a point in time."""

    field_class = TimeField


class OrderFilter(django_filters.OrderingFilter):
    """Orders by the fields that are named; what is not known comes last, ties go by id.

    `ties`: a name to the field that comes before the id, where many rows have the same value.
    """

    def __init__(
        self, *, fields: Mapping[str, str], ties: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(fields={field: name for name, field in fields.items()}, **kwargs)
        self.columns = dict(fields)
        self.ties = dict(ties or {})

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        words = [word for word in value or [] if word]
        if not words:
            return qs
        ties = [self.ties[name] for word in words[-1:] if (name := word.lstrip("-")) in self.ties]
        return qs.order_by(*(self._order(qs, word) for word in words), *ties, "pk")

    def _order(self, qs: QuerySet[Any], word: str) -> OrderBy:
        name = self.columns[word.lstrip("-")]
        # Said only where it matters: PostgreSQL's indexes have another order of what is not known.
        last = True if _may_be_null(qs, name) else None
        field = F(name)
        return field.desc(nulls_last=last) if word[0] == "-" else field.asc(nulls_last=last)


def _may_be_null(qs: QuerySet[Any], name: str) -> bool:
    columns: dict[str, bool] = {each.name: each.null for each in qs.model._meta.concrete_fields}
    return columns.get(name, False)  # what is derived always has a value
