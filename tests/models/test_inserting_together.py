"""Many new rows in one statement say what each would say saved by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from models_app.choices import ModelStatus, Source
from models_app.models import OllamaModel
from ollamactl.lib.bulk import insert_together, insert_values
from tasks_app.models import Task
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


def test_values_are_rows_as_the_model_makes_them() -> None:
    server = OllamaServerFactory()
    facts: list[dict[str, Any]] = [
        {"size": None, "loaded": None, "modified_at": None},
        {"size": 2**40, "loaded": {"size": 1, "processor": "100% GPU"}, "is_loaded": True},
        {"modified_at": datetime(2025, 6, 1, tzinfo=UTC), "digest": "a" * 64, "pinned": True},
        {"outdated": True, "message": "it's “here”", "context_length": 4096},
    ]
    asked = [{**_names(server, number), **fact} for number, fact in enumerate(facts)]
    keys = insert_values(OllamaModel, asked)
    for number, fact in enumerate(facts):
        model(server, 100 + number, **fact).save(force_insert=True)
    rows = list(OllamaModel.objects.order_by("pk").values())
    own = ("id", "name", "key", "created_at")
    together, alone = (
        [{name: value for name, value in row.items() if name not in own} for row in some]
        for some in (rows[: len(facts)], rows[len(facts) :])
    )
    assert together == alone
    assert keys == [row["id"] for row in rows[: len(facts)]]
    assert [row["name"] for row in rows[: len(facts)]] == [each["name"] for each in asked]
    assert len({row["created_at"] for row in rows[: len(facts)]}) == 1
    assert insert_values(OllamaModel, []) == []


def test_values_have_defaults_of_their_own() -> None:
    """A default that is made anew for each row is not one that they share."""
    keys = insert_values(Task, [{"type": "x", "resource_type": "model"}, {"type": "y"}])
    rows = Task.objects.in_bulk(keys)
    assert [rows[key].payload for key in keys] == [{}, {}]
    assert [rows[key].resource_type for key in keys] == ["model", ""]


def _names(server: Any, number: int) -> dict[str, Any]:
    row = model(server, number)
    return {name: getattr(row, name) for name in ("server_id", "name", "key", "source", "status")}
