"""Pages of long lists at the cost of the rows that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.db.models.sql.where import WhereNode

MOST_PAGES = 10_000  # so far somebody may go where not all is counted


class RowPaginator(Paginator):  # type: ignore[type-arg]  # no generic class while it runs
    """Finds the ids of a page's rows first, from an index where there is one, then these rows.

    A database that skips 90,000 rows, or sorts them, reads all that is asked for of each; of ids it
    has little to read. What is beyond the middle is looked for from the end. A queryset that has
    `in_parts` says how its order is made of others that an index has. A row that goes between the
    two looks is left out. These rows are read by what a queryset has as `listed`, if anything.

    A queryset with `come_upon` is one whose rows are looked for one by one; this holds for some
    that it most likely has, and are soon counted. `MOST_COUNTED` of its rows are counted, or as
    many as there are up to the end of the page after the one that is asked for; of more only
    whether there is any.
    """

    MOST_COUNTED = 1000
    has_more = False
    """Whether there are more rows than `count` says."""
    _reach = 0

    def validate_number(self, number: int | float | str) -> int:
        """As in Django; what is asked for first says how far is counted."""
        with suppress(TypeError, ValueError):
            self._reach = min(int(number) + 1, MOST_PAGES) * self.per_page
        return super().validate_number(number)

    @cached_property
    def count(self) -> int:
        """How many rows there are, or as many as are counted."""
        rows: Any = self.object_list
        come_upon = getattr(rows, "come_upon", None)
        if come_upon is None:
            return super().count
        most = max(self.MOST_COUNTED, self._reach)
        found = _count(rows.filter(come_upon), most) if come_upon else 0
        if found <= most:
            found = _count(rows, most)
        self.has_more = found > most
        return min(found, most)

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        top = min(bottom + self.per_page, self.count)
        rows = self.object_list
        found = self._rows(rows, bottom, top) if isinstance(rows, QuerySet) else rows[bottom:top]
        return Page(found, number, self)

    def _rows(self, rows: QuerySet[Any], bottom: int, top: int) -> Sequence[Any]:
        if self.has_more or bottom <= self.count // 2:
            wanted = _ids(rows, bottom, top - bottom)
        else:
            wanted = _ids(rows.reverse(), self.count - top, top - bottom)[::-1]
        found = _with_ids(rows).in_bulk(wanted)
        return [found[pk] for pk in wanted if pk in found]


def _with_ids(rows: QuerySet[Any]) -> Any:
    """What reads these rows by their ids."""
    listed = getattr(rows, "listed", None)
    if listed is not None:
        return listed
    shown = rows.order_by()
    # Who has the ids needs no search, which a database may well begin at the other end.
    shown.query.where = WhereNode()
    return shown


def _count(rows: QuerySet[Any], most: int) -> int:
    """How many there are; `most` and one where there are more than `most`."""
    return rows.order_by()[: most + 1].count()


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
