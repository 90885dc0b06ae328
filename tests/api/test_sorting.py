"""Any order of the models: the same in the page and in the API, and each row on one page."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from models_app.models import OllamaModel, OllamaServer
from ollamactl.lib import paging
from tests.factories import OllamaModelFactory, OllamaServerFactory, UserFactory

pytestmark = pytest.mark.django_db
ROW = re.compile(r'<tr id="model-(\d+)"')
FIELDS = ("name", "size", "created_at", "status", "last_used_at")
TIMES = [None, *(dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2))]
# Few values, so that most rows tie with others.
MODEL = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a:latest", "B:latest", "b:7b", "team/a:latest"]),
        "size": st.sampled_from([None, 0, 5, 2**40]),
        "status": st.sampled_from(["stopped", "running", "error"]),
        "last_used_at": st.sampled_from(TIMES),
        "created_at": st.sampled_from(TIMES[1:]),
        "server": st.integers(0, 2),
    }
)
ORDERS = st.lists(
    st.builds(str.__add__, st.sampled_from(["", "-"]), st.sampled_from(FIELDS)), max_size=3
)


@pytest.fixture
def clients() -> tuple[Client, APIClient]:
    """A viewer at the pages and at the API."""
    page, api, user = Client(), APIClient(), UserFactory(role="viewer")
    page.force_login(user)
    api.force_authenticate(user)
    return page, api


@pytest.fixture
def servers(db: None) -> list[OllamaServer]:
    """Three, of which one is gone: its models are `unavailable`."""
    return [OllamaServerFactory(), OllamaServerFactory(), OllamaServerFactory(status="offline")]


def make(rows: list[dict[str, Any]], servers: list[OllamaServer]) -> None:
    OllamaModel.objects.all().delete()
    for number, row in enumerate(rows):
        values = {**row, "server": servers[row["server"]], "key": f"key-{number}"}
        created_at = values.pop("created_at")
        model = OllamaModelFactory(**values)
        OllamaModel.objects.filter(pk=model.pk).update(created_at=created_at)


def on_pages(client: Client, ordering: str, count: int) -> list[list[int]]:
    """The ids of each page of the list."""
    pages = []
    for number in range(1, count + 1):
        asked = {"ordering": ordering, "page": str(number), "search": ""}
        shown = client.get(reverse("admin:models"), asked).content.decode()
        pages.append([int(pk) for pk in ROW.findall(shown)])
    return pages


def in_api(client: APIClient, ordering: str, size: int) -> list[int]:
    address: str | None = f"/api/v1/models/?page_size={size}&ordering={ordering}"
    found: list[int] = []
    while address:
        answer = client.get(address).json()
        found += [row["id"] for row in answer["results"]]
        address = answer["next"]
    return found


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(MODEL, min_size=1, max_size=9), order=ORDERS, size=st.integers(2, 4))
def test_any_order_is_total_and_the_same_everywhere(
    clients: tuple[Client, APIClient],
    servers: list[OllamaServer],
    rows: list[dict[str, Any]],
    order: list[str],
    size: int,
) -> None:
    make(rows, servers)
    page, api = clients
    ordering = ",".join(order)
    whole = in_api(api, ordering, 200)
    assert sorted(whole) == sorted(OllamaModel.objects.values_list("pk", flat=True))
    assert in_api(api, ordering, size) == whole
    before, paging.PAGE_SIZE = paging.PAGE_SIZE, size
    try:
        pages = on_pages(page, ordering, -(-len(whole) // size))
    finally:
        paging.PAGE_SIZE = before
    assert [pk for ids in pages for pk in ids] == whole
    assert all(len(ids) <= size for ids in pages)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(MODEL, min_size=2, max_size=9), field=st.sampled_from(FIELDS))
def test_values_rise_and_fall_and_what_is_not_known_comes_last(
    clients: tuple[Client, APIClient],
    servers: list[OllamaServer],
    rows: list[dict[str, Any]],
    field: str,
) -> None:
    make(rows, servers)
    _page, api = clients
    up, down = ([row[field] for row in shown(api, sign + field)] for sign in ("", "-"))
    assert sorted(map(str, up)) == sorted(map(str, down))
    known = [value for value in up if value is not None]
    missing: list[None] = [None] * (len(up) - len(known))
    assert up == [*known, *missing]
    assert down == [*reversed(known), *missing]
    if field in ("size", "created_at", "last_used_at"):  # texts go by the database's language
        assert known == sorted(known)


def shown(client: APIClient, ordering: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/models/?page_size=200&ordering={ordering}")
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows
