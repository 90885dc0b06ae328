"""Pages of long lists at the cost of the rows that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.db.models.sql.where import WhereNode


class RowPaginator(Paginator):  # type: ignore[type-arg]  # no generic class while it runs
    """Finds the ids of a page's rows first, from an index where there is one, then these rows.

    A database that skips 90,000 rows, or sorts them, reads all that is asked for of each; of ids it
    has little to read. What is beyond the middle is looked for from the end. A queryset that has
    `in_parts` says how its order is made of others that an index has. A row that goes between the
    two looks is left out.
    """

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        top = min(bottom + self.per_page, self.count)
        rows = self.object_list
        found = self._rows(rows, bottom, top) if isinstance(rows, QuerySet) else rows[bottom:top]
        return Page(found, number, self)

    def _rows(self, rows: QuerySet[Any], bottom: int, top: int) -> Sequence[Any]:
        if bottom <= self.count // 2:
            wanted = _ids(rows, bottom, top - bottom)
        else:
            wanted = _ids(rows.reverse(), self.count - top, top - bottom)[::-1]
        shown = rows.order_by()
        # Who has the ids needs no search, which a database may well begin at the other end.
        shown.query.where = WhereNode()
        found = shown.in_bulk(wanted)
        return [found[pk] for pk in wanted if pk in found]


def _ids(rows: QuerySet[Any], skipped: int, count: int) -> list[Any]:
    """So many ids in the rows' order, after those that are skipped."""
    wanted: list[Any] = []
    parts: Iterable[QuerySet[Any]] = rows.in_parts() if hasattr(rows, "in_parts") else [rows]
    for part in parts:
        missing = count - len(wanted)
        if not missing:
            break
        found = list(part.values_list("pk", flat=True)[skipped : skipped + missing])
        wanted += found
        skipped = 0 if found or not skipped else max(0, skipped - part.count())
    return wanted
