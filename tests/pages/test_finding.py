"""Finding models in their list: marks, quick filters with counts, and all that can be asked."""

from __future__ import annotations

import re

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from models_app import quick_filters
from models_app.choices import ModelStatus
from models_app.filters import OllamaModelFilter
from models_app.models import OllamaModel
from tests.api.queries import count_queries
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
MODELS, COUNTS = reverse("admin:models"), reverse("admin:model-counts")
CHIP = re.compile(
    r'<a class="oc-chip" id="quick-([\w-]+)" href="([^"]+)"[^>]*?( aria-current="true")?>'
    r'[^<]*<span class="oc-chip-count">(\d+)</span>'
)


def get(
    client: Client, url: str = MODELS, headers: dict[str, str] | None = None, **query: str
) -> str:
    answer = client.get(url, query, headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def zoo() -> None:
    near, gone = OllamaServerFactory(name="near"), OllamaServerFactory(status="offline")
    OllamaModelFactory(server=near, name="llama3.2:3b", size=2_000_000_000, pinned=True)
    OllamaModelFactory(server=near, name="qwen3:8b", status="running", is_loaded=True)
    OllamaModelFactory(server=near, name="qwen3:4b", outdated=True)
    OllamaModelFactory(server=gone, name="phi4:14b")


def counts_in(page: str) -> dict[str, int]:
    return {name: int(count) for name, _href, _on, count in CHIP.findall(page)}


@pytest.mark.usefixtures("zoo")
def test_quick_filters_count_what_is_filtered(viewer: Client) -> None:
    for page in (get(viewer), get(viewer, COUNTS)):
        assert counts_in(page) == {
            "status-stopped": 2, "status-running": 1, "status-unavailable": 1,
            "loaded-true": 1, "pinned-true": 1, "outdated-true": 1,
        }  # fmt: skip
    phi = {"status-unavailable": 1}
    assert counts_in(get(viewer, search="phi")) == phi
    assert counts_in(get(viewer, COUNTS, search="phi")) == phi
    assert counts_in(get(viewer, headers=HTMX, search="phi")) == phi
    assert counts_in(get(viewer, min_size="huge")) == {}


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    "query",
    [
        "", "search=qwen", "status=stopped", "status=running&status=stopped", "status=unavailable",
        "loaded=true", "loaded=false", "pinned=true&outdated=false", "outdated=true&status=stopped",
        "max_size=1GB&pinned=false", "search=qwen&status=error", "search=lamma3.2", "from=local",
    ],
)  # fmt: skip
def test_each_count_is_that_of_the_list_with_its_facet_exchanged(
    viewer: Client, query: str
) -> None:
    asked = QueryDict(query)
    page = get(viewer, f"{MODELS}?{query}")
    shown = {name.rpartition("-")[0::2]: n for name, n in counts_in(page).items()}
    every = [("status", status) for status in ModelStatus.values]
    for name, value in [*every, ("loaded", "true"), ("pinned", "true"), ("outdated", "true")]:
        exchanged = asked.copy()
        exchanged[name] = value
        listed = OllamaModelFilter(exchanged, queryset=OllamaModel.objects.for_display()).qs
        assert shown.get((name, value), 0) == listed.count(), (name, value)


@pytest.mark.usefixtures("zoo")
def test_counts_cost_the_same_however_much_is_asked(viewer: Client) -> None:
    def queries(asked: str = "") -> int:
        return count_queries(lambda: get(viewer, f"{COUNTS}?{asked}"))

    queries()
    few = queries()
    OllamaModelFactory.create_batch(30, pinned=True, status="error")
    assert queries() == few
    assert queries("status=stopped,error&pinned=true&outdated=false&max_size=9GB") == few


@pytest.mark.usefixtures("zoo")
def test_a_quick_filter_is_switched_on_and_off(viewer: Client) -> None:
    page = get(viewer, search="qwen", status="running")
    chips = {name: (href, bool(on)) for name, href, on, _count in CHIP.findall(page)}
    assert chips["status-running"] == (f"{MODELS}?search=qwen", True)
    assert chips["status-stopped"] == (
        f"{MODELS}?search=qwen&amp;status=running&amp;status=stopped",
        False,
    )
    assert page.count("<tr id=") == 1


@pytest.mark.usefixtures("zoo")
def test_a_status_that_nothing_has_any_more_can_be_switched_off(viewer: Client) -> None:
    assert "quick-status-error" not in get(viewer)
    assert "quick-status-error" in get(viewer, status="error")


@pytest.mark.usefixtures("zoo")
def test_the_list_brings_its_counts_along(viewer: Client) -> None:
    fragment = get(viewer, headers=HTMX, status="running")
    counts = re.search(r'<div id="model-counts"[^>]*>', fragment)
    assert counts is not None
    assert 'hx-swap-oob="true"' in counts[0]
    assert f'hx-get="{COUNTS}?status=running"' in counts[0]
    assert "hx-swap-oob" not in get(viewer)
    assert "hx-swap-oob" not in get(viewer, COUNTS)


@pytest.mark.usefixtures("zoo")
def test_of_very_many_the_counts_come_after_the_list(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ", load" not in get(viewer)
    monkeypatch.setattr(quick_filters, "COUNTED_AT_ONCE", 1)
    page = get(viewer, status="stopped")
    assert counts_in(page) == {}
    assert 'id="quick-status-stopped"' in page
    assert ", load" in page
    counts = get(viewer, COUNTS, status="stopped")
    assert counts_in(counts)["status-stopped"]
    assert ", load" not in counts
    assert ", load" in get(viewer, headers=HTMX, status="stopped")
    live = {**HTMX, "HX-Trigger": "oc-list"}
    assert "model-counts" not in get(viewer, headers=live, status="stopped")


@pytest.mark.usefixtures("zoo")
def test_what_was_typed_is_marked_in_the_row_and_in_its_swap(viewer: Client) -> None:
    page = get(viewer, search="qw<b>en qwen")
    assert "<b>en" not in page
    page = get(viewer, search="qwen")
    assert page.count("<mark>qwen</mark>3:") == 2
    (address,) = set(re.findall(r'hx-get="(/models/\d+/row/\?search=qwen)"', page)[:1])
    assert "<mark>qwen</mark>3:" in get(viewer, address)


@pytest.mark.usefixtures("zoo")
def test_typing_errors_are_forgiven(viewer: Client) -> None:
    page = get(viewer, search="llma3.2")
    assert page.count("<tr id=") == 1


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"min_size": "1.5 GB"}, 1),
        ({"max_size": "1MiB"}, 3),
        ({"created_after": "2030-01-01"}, 0),
        ({"created_before": "2030-01-01"}, 4),
        ({"status": "running,stopped"}, 3),
        ({"from": "library,local"}, 4),
        ({"loaded": "true"}, 1),
        ({"pinned": "false"}, 3),
        ({"outdated": "true"}, 1),
    ],
)
def test_more_filters(viewer: Client, query: dict[str, str], rows: int) -> None:
    answer = viewer.get(MODELS, query)
    page = answer.content.decode()
    assert page.count("<tr id=") == rows
    assert ('id="more-filters" open' in page) is ("status" not in query)


def test_a_size_that_is_none_is_said_at_its_field(viewer: Client) -> None:
    """Once, in the page and in what comes for the list alone, where the field stays as it is."""
    page = get(viewer, min_size="huge", max_size="4GB")
    field = re.search(r'<input id="filter-min-size"[^>]*>', page)
    assert field is not None
    assert 'aria-describedby="filter-min-size-error" aria-invalid="true"' in field[0]
    assert page.count('aria-invalid="true"') == page.count("This is not a size") == 1
    assert "No model is shown until what is marked in the filters is right." in page
    part = get(viewer, headers=HTMX, min_size="huge")
    error = '<div class="oc-errors" id="filter-min-size-error" data-error-of="filter-min-size"'
    assert f'{error} role="alert" hx-swap-oob="true"><p>This is not a size' in part
    right = get(viewer, headers=HTMX, min_size="4GB")
    assert f'{error} role="alert" hx-swap-oob="true"></div>' in right
    assert "No model is shown until" not in right


def test_what_is_wrong_with_no_field_is_said_at_the_list(viewer: Client) -> None:
    page = get(viewer, status="lost", min_size="huge")
    assert "“lost” is not one of" in page
    assert "No model is shown until" not in page


@pytest.mark.parametrize("search", ["", "model", "modle"])
def test_a_question_costs_the_same_for_any_number_of_rows(viewer: Client, search: str) -> None:
    server = OllamaServerFactory()
    OllamaModelFactory.create_batch(3, server=server)
    few = count_queries(lambda: get(viewer, headers=HTMX, search=search))
    OllamaModelFactory.create_batch(30, server=server)
    assert count_queries(lambda: get(viewer, headers=HTMX, search=search)) == few
