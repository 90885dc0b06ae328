"""A page of a hundred rows costs as many queries as one of ten."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from models_app.models import OllamaModel, OllamaServer
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

pytestmark = pytest.mark.django_db


def _queries(client: Client, url: str) -> int:
    client.get(url)  # what only the first request costs
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def _fill(count: int) -> None:
    """Models with work under way, failed and at rest, on many servers."""
    for number in range(count):
        server = OllamaServerFactory()
        task = TaskFactory(state=("running", "failed", "succeeded")[number % 3])
        OllamaModelFactory(
            server=server,
            last_task=task,
            status=("downloading", "error", "stopped")[number % 3],
            is_loaded=number % 5 == 0,
            loaded={"size": 10, "size_vram": 5, "processor": "", "expires_at": None},
        )


@pytest.mark.parametrize(
    "name", ["index", "dashboard", "models", "chats", "servers", "tasks", "downloads"]
)
def test_rows_cost_no_queries(
    administrator: Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollamactl.lib.paging.PAGE_SIZE", 200)
    url = reverse(f"admin:{name}")
    _fill(10)
    few = _queries(administrator, url)
    _fill(90)
    many = _queries(administrator, url)
    assert many == few
    assert many < 20


def test_a_servers_page_costs_the_same_for_all_its_models(administrator: Client) -> None:
    server = OllamaServerFactory()
    url = reverse("admin:server", args=[server.pk])
    OllamaModelFactory.create_batch(5, server=server)
    few = _queries(administrator, url)
    OllamaModelFactory.create_batch(40, server=server)
    assert _queries(administrator, url) == few


def test_the_list_is_cut_into_pages(viewer: Client) -> None:
    OllamaModelFactory.create_batch(60, server=OllamaServerFactory())
    first = viewer.get(reverse("admin:models")).content.decode()
    assert first.count("<tr id=") == 50
    assert "1–50 of 60" in first
    last = viewer.get(reverse("admin:models"), {"page": 2}).content.decode()
    assert last.count("<tr id=") == 10
    beyond = viewer.get(reverse("admin:models"), {"page": 99}).content.decode()
    assert beyond.count("<tr id=") == 10


def test_nothing_is_shown_where_there_is_nothing(administrator: Client) -> None:
    for kind in (OllamaModel, OllamaServer, Task):
        assert not kind.objects.exists()
    assert "There is no server yet" in administrator.get(reverse("admin:models")).content.decode()
    assert "There is no server yet" in administrator.get(reverse("admin:servers")).content.decode()
    assert "Nothing has been done yet" in administrator.get(reverse("admin:tasks")).content.decode()
    OllamaServerFactory()
    assert "There are no models yet" in administrator.get(reverse("admin:models")).content.decode()
