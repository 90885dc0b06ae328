"""Points in time in pages: written in UTC by the server, in the reader's own zone by its script."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.contrib import admin
from django.db.models import DateTimeField, Model
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

UNKNOWN = "–"


def time_element(value: Any, *, relative: bool = False, empty: str = UNKNOWN) -> SafeString | str:
    """`<time>` for a time or its ISO 8601 text; `empty` for anything else.

    `relative` asks the page's script for "2 minutes ago" where the time is near.
    """
    time = parse_datetime(value) if isinstance(value, str) else value
    if not isinstance(time, datetime):
        return empty
    utc = time.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-moment{}>{} UTC</time>',
        utc.isoformat(timespec="milliseconds"),
        SafeString('="relative"') if relative else "",
        date_format(utc, "DATETIME_FORMAT"),
    )


class TimesAsElements:
    """A mixin for an admin of records: their times, in its list and its page, are `<time>`s."""

    model: type[Model]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._with_elements(super().get_list_display(request))  # type: ignore[misc]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self._with_elements(super().get_readonly_fields(request, obj))  # type: ignore[misc]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            (title, {**options, "fields": self._with_elements(options["fields"])})
            for title, options in super().get_fieldsets(request, obj)  # type: ignore[misc]
        ]

    def _with_elements(self, names: Iterable[Any]) -> list[Any]:
        times = {
            field.name: field
            for field in self.model._meta.get_fields()
            if isinstance(field, DateTimeField)
        }
        return [_column(times[name]) if name in times else name for name in names]


@cache
def _column(field: DateTimeField[Any, Any]) -> Callable[[Model], SafeString | str]:
    """What the admin calls for each row; always the same one, as it compares them."""

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(row: Model) -> SafeString | str:
        return time_element(getattr(row, field.name))

    column.__name__ = field.name
    return column
