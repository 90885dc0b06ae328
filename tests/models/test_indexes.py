"""What people filter and order by is found without reading every row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.http import QueryDict
from django_filters import FilterSet

from models_app.filters import OllamaModelFilter, OllamaServerFilter
from models_app.models import OllamaModel
from tasks_app.filters import TaskFilter
from tasks_app.models import Task

pytestmark = pytest.mark.django_db

# A few servers, and searches in the middle of a word, are read through.
READ_THROUGH = {"search", "log_file_exist"}
FILTERS = [
    (filters, name)
    for filters in (OllamaModelFilter, OllamaServerFilter, TaskFilter)
    for name in sorted(set(filters.get_filters()) - READ_THROUGH - {"ordering"})
]
# With an index of those that have one.
ERRORS = {"error", "retryable"}


def leading_columns(model: type[Model]) -> set[str]:
    """The first column of each index and constraint in the database."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {
        each["columns"][0]
        for each in found.values()
        if (each["index"] or each["unique"] or each["primary_key"]) and each["columns"]
    }


@pytest.mark.parametrize(("filters", "name"), FILTERS)
def test_filter_has_an_index(filters: Any, name: str) -> None:
    model: Any = filters._meta.model
    field = "id" if name in ERRORS else str(filters.get_filters()[name].field_name)
    assert model._meta.get_field(field).column in leading_columns(model)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the words of SQLite's plans")
@pytest.mark.parametrize(
    "query",
    ["", "status=stopped", "status=error", "from=library", "server=3", "loaded=true",
     "loaded=false", "pinned=true", "outdated=false", "ordering=size",
     "ordering=-size", "ordering=-name", "ordering=-created_at", "ordering=-last_used_at"],
)  # fmt: skip
def test_a_page_of_models_is_found_without_sorting_them_all(query: str) -> None:
    rows = OllamaModel.objects.for_display().order_by("name", "pk")
    words = plan(OllamaModelFilter, rows, query)
    assert "USE TEMP B-TREE FOR ORDER BY" not in words
    assert "INDEX" in words


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the words of SQLite's plans")
@pytest.mark.parametrize(
    "query", ["loaded=true", "pinned=true", "outdated=true", "status=unavailable", "status=error"]
)
def test_few_models_are_not_looked_for_among_all(query: str) -> None:
    words = plan(OllamaModelFilter, OllamaModel.objects.for_display(), query)
    assert "SCAN models_app_ollamamodel" not in words
    assert "status=? AND" not in words


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the words of SQLite's plans")
@pytest.mark.parametrize("count", [2, 20, 1000])
@pytest.mark.parametrize("order", [(), ("pk",)])
def test_some_names_of_a_server_are_not_looked_for_among_all_of_it(
    count: int, order: tuple[str, ...]
) -> None:
    keys = [f"library/model-{number}:latest" for number in range(count)]
    rows = OllamaModel.objects.filter(server=1, key__in=keys).order_by(*order)
    words = rows.values_list("pk", "key").explain()
    assert "server_id=? AND key=?" in words or "key=? AND server_id=?" in words


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the words of SQLite's plans")
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    "name", ["created_at", "started_at", "finished_at", "state", "type", "priority"]
)
def test_a_page_of_tasks_is_found_without_sorting_them_all(name: str, sign: str) -> None:
    words = plan(TaskFilter, Task.objects.all(), f"ordering={sign}{name}")
    assert "USE TEMP B-TREE FOR ORDER BY" not in words
    assert "INDEX" in words


def plan(filters: type[FilterSet], rows: Any, query: str) -> str:
    """What the database says of the way in which it finds the ids of a page."""
    found = filters(QueryDict(query), queryset=rows)
    ids = found.qs.values_list("pk", flat=True)
    return str(ids[:50].explain())
