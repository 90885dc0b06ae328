"""Pages of long lists hold the rows that a plain slice holds, at less cost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.paginator import EmptyPage, PageNotAnInteger
from django.db import connection
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext

from models_app.models import ChatSession, OllamaModel
from ollamactl.lib.paginator import RowPaginator
from tests.factories import ChatSessionFactory, OllamaModelFactory, OllamaServerFactory

pytestmark = pytest.mark.django_db
ORDERS: tuple[tuple[Any, ...], ...] = (
    ("name", "pk"),
    ("-size", "pk"),
    ("live_status", "-name"),
    ("-live_status", "pk"),
    (F("live_status").asc(), "-name"),
    (F("live_status").desc(), F("size").desc(), "pk"),
)


@pytest.fixture
def thirteen() -> None:
    servers = OllamaServerFactory(), OllamaServerFactory(status="offline")
    for number in range(13):
        status = ("stopped", "running", "error", "waiting")[number % 4]
        OllamaModelFactory(server=servers[number // 2 % 2], size=number % 3, status=status)


@pytest.mark.usefixtures("thirteen")
@pytest.mark.parametrize("order", ORDERS)
def test_each_page_is_a_slice_of_the_whole(order: tuple[Any, ...]) -> None:
    rows = OllamaModel.objects.for_display().order_by(*order)
    pages = RowPaginator(rows, 3)
    assert [page.object_list for page in pages] == [
        list(rows[start : start + 3]) for start in range(0, 13, 3)
    ]
    assert (pages.count, pages.num_pages) == (13, 5)


@pytest.mark.usefixtures("thirteen")
def test_the_last_page_skips_no_row_and_joins_no_more_than_it_shows() -> None:
    rows = OllamaModel.objects.for_display().order_by("name", "pk")
    with CaptureQueriesContext(connection) as queries:
        assert len(RowPaginator(rows, 3).page(5).object_list) == 1
    _count, ids, shown = [query["sql"] for query in queries]
    assert "OFFSET" not in ids
    assert "JOIN" not in ids
    assert re.search(r"IN \(\d+\)", shown)


@pytest.mark.usefixtures("thirteen")
def test_what_is_no_page_is_refused_as_before() -> None:
    pages = RowPaginator(OllamaModel.objects.order_by("pk"), 3)
    with pytest.raises(EmptyPage):
        pages.page(6)
    with pytest.raises(PageNotAnInteger):
        pages.page("x")
    assert RowPaginator(OllamaModel.objects.none(), 3).page(1).object_list == []
    assert RowPaginator([1, 2, 3, 4], 3).page(2).object_list == [4]


def test_what_is_looked_for_is_counted_as_far_as_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowPaginator, "MOST_COUNTED", 4)
    ids = [chat.pk for chat in ChatSessionFactory.create_batch(9)]
    rows = ChatSession.objects.order_by("pk")

    def page(number: int, come_upon: list[int]) -> tuple[list[int], int, bool, bool]:
        shown = RowPaginator(
            rows.coming_upon(Q(pk__in=come_upon) if come_upon else Q()).filter(pk__gt=0), 2
        ).get_page(number)
        pages: RowPaginator = shown.paginator  # type: ignore[assignment]
        return [row.pk for row in shown], pages.count, pages.has_more, shown.has_next()

    for come_upon in ([], ids[:2], ids, [*ids, 0]):
        assert page(1, come_upon) == (ids[:2], 4, True, True)
        assert page(2, come_upon) == (ids[2:4], 6, True, True)
        assert page(3, come_upon) == (ids[4:6], 8, True, True)
        assert page(4, come_upon) == (ids[6:8], 9, False, True)
        assert page(5, come_upon) == page(10**30, come_upon) == (ids[8:], 9, False, False)
    assert RowPaginator(rows, 2).count == 9


def test_where_enough_are_known_nothing_is_looked_for_to_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RowPaginator, "MOST_COUNTED", 4)
    ids = [chat.pk for chat in ChatSessionFactory.create_batch(9)]
    with CaptureQueriesContext(connection) as queries:
        RowPaginator(ChatSession.objects.order_by("pk").coming_upon(Q(pk__in=ids)), 2).page(1)
    counts = [query["sql"] for query in queries if "COUNT" in query["sql"]]
    assert len(counts) == 1
    assert f"IN ({ids[0]}, " in counts[0]
