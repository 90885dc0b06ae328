"""A user's saved searches for programs: their own ones only."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from models_app.models import RecentSearch, SavedSearch
from models_app.services import searches
from tests.api.conftest import ClientOf

SEARCHES = "/api/v1/searches/"


def make(client: APIClient, **data: Any) -> Any:
    return client.post(SEARCHES, {"name": "Mine", "query": "status=running", **data})


def test_a_search_is_kept_changed_and_forgotten(viewer: APIClient) -> None:
    made = make(viewer, is_default=True)
    assert made.status_code == 201
    assert made.data["words"] == "Status: running"
    address = f"{SEARCHES}{made.data['id']}/"
    changed = viewer.patch(address, {"name": "Other", "query": "loaded=true&search="})
    assert (changed.data["name"], changed.data["query"]) == ("Other", "loaded=true")
    assert changed.data["is_default"] is True
    assert viewer.get(SEARCHES).data["count"] == 1
    assert viewer.delete(address).status_code == 204
    assert viewer.get(address).status_code == 404


def test_there_is_one_default(viewer: APIClient) -> None:
    make(viewer, is_default=True)
    second = make(viewer, name="Second")
    viewer.patch(f"{SEARCHES}{second.data['id']}/", {"is_default": True})
    rows = viewer.get(SEARCHES).data["results"]
    assert [(row["name"], row["is_default"]) for row in rows] == [("Mine", False), ("Second", True)]


def test_anothers_are_not_there(client_of: ClientOf) -> None:
    made = make(client_of("viewer"))
    other = client_of("administrator")
    address = f"{SEARCHES}{made.data['id']}/"
    assert other.get(SEARCHES).data["count"] == 0
    assert other.get(address).status_code == 404
    assert other.patch(address, {"name": "x"}).status_code == 404
    assert other.delete(address).status_code == 404
    assert make(other).status_code == 201  # names are each user's own


@pytest.mark.parametrize(
    ("data", "status", "attr"),
    [
        ({"query": "status=flying"}, 400, "query"),
        ({"query": "x" * 2001}, 400, "query"),
        ({"query": 5}, 400, "query"),
        ({"name": ""}, 400, "name"),
        ({"name": "Mine"}, 409, "name"),
        ({"owner": 1}, 400, "owner"),
    ],
)
def test_bad_input_says_so(viewer: APIClient, data: dict[str, Any], status: int, attr: str) -> None:
    make(viewer)
    answer = make(viewer, **{"name": "Another", **data})
    assert answer.status_code == status
    assert answer.data["errors"][0]["attr"] == attr


def test_there_is_an_end_to_what_is_kept(
    viewer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST_SAVED", 1)
    make(viewer)
    answer = make(viewer, name="one more")
    assert (answer.status_code, answer.data["errors"][0]["code"]) == (409, "too_many")
    assert SavedSearch.objects.count() == 1


def test_recent_ones_are_the_users_own(client_of: ClientOf) -> None:
    one, other = client_of("viewer"), client_of("viewer")
    make(one)
    searches.note_search(user=SavedSearch.objects.get().user, query="search=qwen")
    assert [row["words"] for row in one.get(f"{SEARCHES}recent/").data] == ["“qwen”"]
    assert other.get(f"{SEARCHES}recent/").data == []
    assert RecentSearch.objects.count() == 1
