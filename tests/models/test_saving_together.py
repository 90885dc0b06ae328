"""Many rows saved by one statement."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from models_app.models import OllamaModel
from ollamactl.lib.bulk import save_together
from ollamactl.lib.sentences import Sentence
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

pytestmark = pytest.mark.django_db

FIELDS = ["status", "message", "loaded", "last_task", "size", "last_used_at", "seq"]


@pytest.mark.parametrize("count", [1, 2, 60])
def test_each_row_gets_its_own_values(count: int) -> None:
    server, task = OllamaServerFactory(), TaskFactory()
    rows = OllamaModelFactory.create_batch(count + 1, server=server)
    other = rows.pop()
    for number, row in enumerate(rows):
        row.status = "running" if number % 2 else "stopped"
        row.message = Sentence("{n} of them", n=number) if number % 3 else ""
        row.loaded = {"size": number} if number % 2 else None
        row.last_task = task if number % 2 else None
        row.size, row.seq = number, 7
    with CaptureQueriesContext(connection) as seen:
        save_together(rows, FIELDS)
    assert len(seen.captured_queries) == 1
    for row in rows:
        there = OllamaModel.objects.get(pk=row.pk)
        assert [getattr(there, name) for name in FIELDS] == [getattr(row, name) for name in FIELDS]
    untouched = OllamaModel.objects.get(pk=other.pk)
    assert [getattr(untouched, name) for name in FIELDS] == [
        getattr(other, name) for name in FIELDS
    ]
    nulls = OllamaModel.objects.filter(pk__in=[row.pk for row in rows], loaded__isnull=True)
    assert nulls.count() == (count + 1) // 2


def test_none_is_no_statement() -> None:
    with CaptureQueriesContext(connection) as seen:
        save_together([], FIELDS)
    assert not seen.captured_queries


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's limit is known to Django")
def test_a_statement_takes_as_many_parameters_as_sqlite_does() -> None:
    assert (connection.features.max_query_params or 0) >= 32_766
