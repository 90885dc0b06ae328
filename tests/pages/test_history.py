"""What of a list goes into the browser's history, and what its filters show of the address."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
SELECTED = re.compile(r'<option value="([^"]+)" selected>([^<]+)</option>')


def _step(client: Client, before: str, trigger: str = "filters", **query: str) -> tuple[str, str]:
    """The header that the answer carries, and its address."""
    url = reverse("admin:models")
    headers = {**HTMX, "HX-Current-URL": f"http://testserver{url}{before}", "HX-Trigger": trigger}
    answer = client.get(url, query, headers=headers)
    for name in ("HX-Push-Url", "HX-Replace-Url"):
        if name in answer.headers:
            return name, answer.headers[name]
    raise AssertionError("the address is not kept")


PUSHED, REPLACED = "HX-Push-Url", "HX-Replace-Url"


def test_what_a_person_asks_for_is_a_step_to_go_back_to(viewer: Client) -> None:
    OllamaModelFactory.create_batch(60, server=OllamaServerFactory())
    assert _step(viewer, "", status="running") == (PUSHED, "/models/?status=running")
    assert _step(viewer, "?status=running") == (PUSHED, "/models/")
    assert _step(viewer, "", ordering="-size") == (PUSHED, "/models/?ordering=-size")
    assert _step(viewer, "", page="2") == (PUSHED, "/models/?page=2")
    assert _step(viewer, "", search="ll") == (PUSHED, "/models/?search=ll")


def test_what_changed_live_and_the_next_letter_are_none(viewer: Client) -> None:
    assert _step(viewer, "?search=ll", search="lla") == (REPLACED, "/models/?search=lla")
    assert _step(viewer, "?search=ll", search="lla", status="error")[0] == PUSHED
    live = _step(viewer, "", trigger="oc-list", status="running")
    assert live == (REPLACED, "/models/?status=running")
    assert _step(viewer, "?status=running", status="running")[0] == REPLACED


def test_a_page_that_has_emptied_meanwhile_shows_the_last_one(viewer: Client) -> None:
    OllamaModelFactory.create_batch(50, server=OllamaServerFactory())
    assert _step(viewer, "?page=2", trigger="oc-list", page="2") == (REPLACED, "/models/")


def test_a_filter_of_several_words_is_shown(viewer: Client) -> None:
    TaskFactory(type="model.pull")
    page = viewer.get(reverse("admin:tasks"), {"state": "queued,running,paused"}).content.decode()
    assert SELECTED.findall(page) == [("queued,running,paused", "under way")]
    page = viewer.get(reverse("admin:tasks"), {"state": ["failed", "cancelled"]}).content.decode()
    assert SELECTED.findall(page) == [("cancelled,failed", "failed, cancelled")]
    page = viewer.get(reverse("admin:tasks"), {"type": "model.pull"}).content.decode()
    assert SELECTED.findall(page) == [("model.pull", "Download")]


def test_the_order_of_a_list_stays_when_it_is_filtered(viewer: Client) -> None:
    OllamaModelFactory()
    answer = viewer.get(reverse("admin:models"), {"ordering": "-size"}, headers=HTMX)
    field = '<input type="hidden" name="ordering" form="filters" value="-size">'
    assert field in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "follows"),
    [({}, False), ({"ordering": "-name"}, False), ({"status": "running"}, True),
     ({"search": "a"}, True), ({"ordering": "-status"}, True)],
)  # fmt: skip
def test_a_list_asks_for_itself_where_rows_come_and_go_with_changes(
    viewer: Client, query: dict[str, str], follows: bool
) -> None:
    page = viewer.get(reverse("admin:models"), query).content.decode()
    (tag,) = re.findall(r'<div id="oc-list"[^>]*>', page)
    assert ("data-live-every" in tag) is follows
