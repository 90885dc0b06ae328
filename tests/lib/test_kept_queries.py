"""Queries whose SQL is made once answer as those that are made each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from models_app.models import OllamaModel, OllamaServer
from models_app.querysets import LISTED
from ollamactl.lib.connections import close_connections
from ollamactl.lib.kept_queries import IDS, KeptQuery, RowsById
from ollamactl.lib.paginator import RowPaginator
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

pytestmark = pytest.mark.django_db
made: list[tuple[Any, ...]] = []


def _servers(name: str, status: str) -> Any:
    made.append((name, status))
    return OllamaServer.objects.filter(name__gte=name, status=status).order_by("name")


@pytest.fixture
def by_name() -> KeptQuery[OllamaServer]:
    made.clear()
    return KeptQuery(_servers)


def test_it_is_made_once_and_asked_with_any_values(by_name: KeptQuery[OllamaServer]) -> None:
    for name in "abc":
        OllamaServerFactory(name=name, status="online")
    found = {name: [row.name for row in by_name.rows(name, "online")] for name in "bcd'"}
    assert found == {"b": ["b", "c"], "c": ["c"], "d": [], "'": ["a", "b", "c"]}
    assert by_name.rows("a", "offline") == []
    assert made == [("b", "online")]


def test_it_sees_what_has_changed(by_name: KeptQuery[OllamaServer]) -> None:
    server = OllamaServerFactory(name="a", status="online")
    (before,) = by_name.rows("a", "online")
    OllamaServer.objects.update(version="9.9.9")
    (after,) = by_name.rows("a", "online")
    assert (before, before.version, after.version) == (server, server.version, "9.9.9")


def test_a_query_with_other_parameters_is_refused() -> None:
    wrong = KeptQuery(lambda name: OllamaServer.objects.filter(name=name, status="online"))
    swapped = KeptQuery(lambda one, two: _servers(two, one))
    for query, values in ((wrong, ("a",)), (swapped, ("a", "b"))):
        for _again in range(2):
            with pytest.raises(ValueError, match="not all parameters"):
                query.rows(*values)


def test_it_is_asked_by_the_connection_of_now(
    by_name: KeptQuery[OllamaServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = OllamaServerFactory(name="a", status="online")
    assert by_name.rows("a", "online") == [server]
    fresh = connection.copy()
    fresh.connection = connection.connection  # the same transaction
    monkeypatch.setattr(type(connections), "__getitem__", lambda _self, _alias: fresh)
    asked: list[str] = []

    def note(ask: Any, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return ask(sql, *more)

    with fresh.execute_wrapper(note):
        assert by_name.rows("a", "online") == [server]
    assert (len(asked), len(made)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_each_thread_has_its_own(by_name: KeptQuery[OllamaServer]) -> None:
    OllamaServerFactory(name="a", status="online")

    def ask(_number: int) -> list[str]:
        try:
            return [row.name for row in by_name.rows("a", "online")]
        finally:
            close_connections()

    for _ in range(2):
        assert ask(0) == ["a"]
    with ThreadPoolExecutor(1) as thread:
        assert list(thread.map(ask, range(3))) == [["a"]] * 3
    assert len(made) == 2


def test_few_numbers_of_ids_are_asked_for() -> None:
    counts = []

    def servers(*ids: int) -> Any:
        counts.append(len(ids))
        return OllamaServer.objects.filter(pk__in=ids)

    rows = RowsById(servers)
    known = {server.pk: server for server in OllamaServerFactory.create_batch(IDS + 2)}
    ids = list(known)
    for count in range(IDS + 2):
        assert rows.in_bulk(ids[:count]) == {pk: known[pk] for pk in ids[:count]}
    assert counts == [IDS, 2 * IDS]
    with CaptureQueriesContext(connection) as queries:
        assert rows.in_bulk([]) == {}
    assert not queries


def test_a_page_of_models_is_read_by_them() -> None:
    for number in range(7):
        OllamaModelFactory(last_task=TaskFactory() if number % 2 else None)
    rows: Any = OllamaModel.objects.for_list().order_by("-name")
    assert rows.filter(pk__gt=0).listed is LISTED
    page = RowPaginator(rows.with_live_status().order_by("live_status", "-name"), 5).page(2)
    with CaptureQueriesContext(connection) as queries:
        shown = [(row, row.server.name, row.last_task) for row in page]
    assert not queries
    assert shown == [(row, row.server.name, row.last_task) for row in rows[5:]]
    assert OllamaModel.objects.for_display().listed is None
    assert OllamaModel.objects.all().listed is None
