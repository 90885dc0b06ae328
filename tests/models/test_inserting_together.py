"""Many new rows in one statement say what each would say saved by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel
from ollamactl.lib.bulk import insert_together
from tests.factories import OllamaServerFactory

pytestmark = pytest.mark.django_db


def model(server: Any, number: int, **fields: Any) -> OllamaModel:
    name = f"m{number:05}:latest"
    return OllamaModel(
        server=server,
        name=name,
        key=f"registry.ollama.ai/library/{name}",
        source=Source.LIBRARY,
        status=ModelStatus.STOPPED,
        **fields,
    )


def test_rows_are_what_saving_each_makes_them() -> None:
    server = OllamaServerFactory()
    facts: list[dict[str, Any]] = [
        {"size": None, "loaded": None, "kv_cache": None, "modified_at": None},
        {"size": 2**40, "loaded": {"size": 1, "processor": "100% GPU"}, "is_loaded": True},
        {"modified_at": "2025-06-01T12:00:00+00:00", "digest": "a" * 64, "pinned": True},
        {"outdated": True, "message": "it's “here”", "context_length": 4096},
    ]
    together = [model(server, number, **fact) for number, fact in enumerate(facts)]
    insert_together(together)
    alone = [model(server, 100 + number, **fact) for number, fact in enumerate(facts)]
    for row in alone:
        row.save(force_insert=True)

    def values(rows: list[OllamaModel]) -> list[dict[str, Any]]:
        own = ("id", "name", "key", "created_at")
        found = OllamaModel.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
        return [{k: v for k, v in row.items() if k not in own} for row in found.values()]

    assert values(together) == values(alone)
    names = dict(OllamaModel.objects.values_list("pk", "name"))
    assert [names[row.pk] for row in together] == [row.name for row in together]
    together[0].pinned = True
    together[0].save()  # it is known to be there
    assert OllamaModel.objects.count() == 2 * len(facts)


def test_more_than_one_statement_takes_are_all_there() -> None:
    server = OllamaServerFactory()
    count = 3000
    with CaptureQueriesContext(
        connection,
    ) as queries:
        insert_together([model(server, number) for number in range(count)])
    assert OllamaModel.objects.count() == count
    assert len([query for query in queries if "INSERT" in query["sql"]]) < 20


def test_one_that_is_there_leaves_out_all() -> None:
    server = OllamaServerFactory()
    insert_together([model(server, 1)])
    with pytest.raises(IntegrityError):
        insert_together([model(server, 0), model(server, 1)])


def test_none_is_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        insert_together([])
