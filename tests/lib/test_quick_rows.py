"""Rows that are made quickly are those that Django makes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models
from django.db.models.signals import post_init, pre_init
from django.test.utils import CaptureQueriesContext

from models_app.models import OllamaModel, OllamaServer
from ollamactl.lib.quick_rows import QuickRow
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> OllamaModel:
    return OllamaModelFactory(message="Sentence", loaded={"size": 1}, last_task=TaskFactory())


def parts(row: models.Model) -> dict[str, Any]:
    """All that a row is made of."""
    state = vars(row)["_state"]
    return {**vars(row), "_state": None, "state": (state.adding, state.db, state.fields_cache)}


@pytest.mark.parametrize("kind", QuickRow.__subclasses__())
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_row_is_what_django_makes(
    kind: Any, is_whole: bool, model: OllamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [field.name for field in kind._meta.concrete_fields[1:-3:2]]
    rows = kind.objects.order_by("pk") if is_whole else kind.objects.only(*some)
    (quick,) = rows.all()
    monkeypatch.setattr(kind, "from_db", classmethod(models.Model.from_db.__func__))  # type: ignore[attr-defined]
    (plain,) = rows.all()
    assert parts(quick) == parts(plain)
    assert quick.get_deferred_fields() == plain.get_deferred_fields()
    assert bool(quick.get_deferred_fields()) != is_whole


def test_all_that_lists_show_is_made_so() -> None:
    assert {OllamaModel, OllamaServer, Task} <= set(QuickRow.__subclasses__())


@pytest.mark.parametrize("kind", QuickRow.__subclasses__())
def test_no_field_and_nobody_else_waits_for_a_row_to_be_made(kind: Any) -> None:
    for signal in (pre_init, post_init):
        assert not signal.has_listeners(kind)
    for field in kind._meta.concrete_fields:
        descriptor = vars(kind)[field.attname]
        assert field.is_relation or not hasattr(descriptor, "__set__"), field.name


def test_what_was_not_read_is_read_when_it_is_needed(model: OllamaModel) -> None:
    row = OllamaModel.objects.select_related("server").only("name", "server__name").get()
    with CaptureQueriesContext(connection) as queries:
        assert (row.name, row.server.name) == (model.name, model.server.name)
        assert not queries
        assert (row.size, row.server.base_url) == (model.size, model.server.base_url)
        assert len(queries) == 2


def test_a_row_that_was_read_is_changed_as_any(model: OllamaModel) -> None:
    row = OllamaModel.objects.select_related("server", "last_task").get()
    row.size, row.last_task = 7, None
    row.save()
    again = OllamaModel.objects.get()
    assert (again, again.size, again.last_task_id) == (row, 7, None)
    again.refresh_from_db()
    assert again.server == model.server
