"""Lists in pages: one page of rows, and the addresses of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django_htmx.http import push_url, replace_url

from ollamactl.lib.paginator import RowPaginator
from ollamactl.lib.units import group_digits

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

PAGE_SIZE = 50
MOVING = ("status", "state", "size", "last_used_at")
LIST = "oc-list"  # the element that asks for itself when something changed live


@dataclass(frozen=True)
class Listing:
    """One page of a list and what it was asked with.

    `query` holds what was asked without empty values and without the page, as a query string.
    """

    page: Page[Any]
    query: str
    ordering: str
    is_filtered: bool

    @property
    def rows(self) -> list[Any]:
        """The rows of this page."""
        return list(self.page.object_list)

    @property
    def first(self) -> str:
        """The number of the first row here, written out as `total` is."""
        return group_digits(self.page.start_index())

    @property
    def last(self) -> str:
        """The number of the last one."""
        return group_digits(self.page.end_index())

    @property
    def total(self) -> str:
        """How many rows there are; "1,000+" where they were counted no further."""
        return group_digits(self.page.paginator.count) + self._more

    @property
    def pages(self) -> str:
        """How many pages there are, likewise."""
        return group_digits(self.page.paginator.num_pages) + self._more

    @property
    def _more(self) -> str:
        return "+" if self.page.paginator.has_more else ""  # type: ignore[attr-defined]

    @property
    def follows_changes(self) -> bool:
        """Whether a row that changes may have to leave, come or move: a row alone cannot know."""
        return self.is_filtered or self.ordering.lstrip("-") in MOVING

    @property
    def address(self) -> str:
        """The query string of this page, short enough to be kept and sent on."""
        number = f"page={self.page.number}" if self.page.number > 1 else ""
        return "&".join(part for part in (self.query, number) if part)


def listing_of(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], *, ordering: str
) -> Listing:
    """The page that `?page=` asks for; the nearest one where there is none such."""
    asked = clean_query(request.GET)
    filtered = clean_query(asked, without=("ordering",))
    return Listing(
        page=RowPaginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        query=asked.urlencode(),
        ordering=asked.get("ordering", ordering),
        is_filtered=bool(filtered),
    )


def clean_query(query: QueryDict, *, without: tuple[str, ...] = ()) -> QueryDict:
    """What was asked, without empty values and without the page."""
    kept = QueryDict(mutable=True)
    for name, values in query.lists():
        given = [value for value in values if value.strip()]
        if given and name != "page" and name not in without:
            kept.setlist(name, given)
    return kept


def keep_in_address(response: HttpResponse, request: HttpRequest, listing: Listing) -> HttpResponse:
    """Show the list's own address in the browser, for reloading, passing on, and going back.

    What a person asks for is a step to go back to; what changed live, and the next letters of a
    word that is being typed, are not.
    """
    address = f"{request.path}?{listing.address}" if listing.address else request.path
    return (push_url if _is_step(request) else replace_url)(response, address)


def _is_step(request: HttpRequest) -> bool:
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    before = QueryDict(urlsplit(htmx.current_url or "").query)
    unchanged = clean_query(before) == clean_query(request.GET) and _page(before) == _page(
        request.GET
    )
    types_on = bool(before.get("search") and request.GET.get("search")) and clean_query(
        before, without=("search",)
    ) == clean_query(request.GET, without=("search",))
    return htmx.trigger != LIST and not unchanged and not types_on


def _page(query: QueryDict) -> str:
    return query.get("page") or "1"


@dataclass(frozen=True)
class Option:
    """One line of a filter that is a select."""

    value: str
    label: object
    selected: bool


def options_of(request: HttpRequest, name: str, choices: Iterable[tuple[Any, Any]]) -> list[Option]:
    """The lines of a filter; one of several words that has no line gets one of its own.

    A choice of several words has them with commas between ("queued,running").
    """
    words = [word.strip() for text in request.GET.getlist(name) for word in text.split(",")]
    asked = {word for word in words if word}
    found = [
        Option(str(value), label, set(str(value).split(",")) == asked) for value, label in choices
    ]
    if asked and not any(option.selected for option in found):
        known = [option for option in found if option.value in asked]
        label = ", ".join(str(option.label) for option in known) or "…"
        found.append(Option(",".join(sorted(asked)), label, selected=True))
    return found
