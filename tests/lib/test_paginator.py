"""Pages of long lists hold the rows that a plain slice holds, at less cost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.paginator import EmptyPage, PageNotAnInteger
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from models_app.models import OllamaModel
from ollamactl.lib.paginator import RowPaginator
from tests.factories import OllamaModelFactory, OllamaServerFactory

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
