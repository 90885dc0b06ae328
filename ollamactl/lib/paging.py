"""Lists in pages: one page of rows, and the addresses of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django_htmx.http import replace_url

PAGE_SIZE = 50


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
    def address(self) -> str:
        """The query string of this page, short enough to be kept and sent on."""
        number = f"page={self.page.number}" if self.page.number > 1 else ""
        return "&".join(part for part in (self.query, number) if part)


def listing_of(request: HttpRequest, rows: QuerySet[Any], *, ordering: str) -> Listing:
    """The page that `?page=` asks for; the nearest one where there is none such."""
    asked = clean_query(request.GET)
    filtered = clean_query(asked, without=("ordering",))
    return Listing(
        page=Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
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
    """Show the list's own address in the browser, so that it can be reloaded and passed on."""
    return replace_url(
        response, f"{request.path}?{listing.address}" if listing.address else request.path
    )
