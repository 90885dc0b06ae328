"""Searches that a user keeps, and the recent ones: in the list's page, and nobody else's."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit_app.models import AuditRecord
from models_app.models import RecentSearch, SavedSearch
from models_app.services import searches
from tests.factories import OllamaModelFactory, UserFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
MODELS, ADD, NOTE = (reverse(f"admin:{name}") for name in ("models", "search-add", "search-note"))


@pytest.fixture
def person() -> User:
    user: User = UserFactory(role="viewer")
    return user


@pytest.fixture
def browser(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def keep(user: User, name: str, query: str, **more: bool) -> SavedSearch:
    return SavedSearch.objects.create(user=user, name=name, query=query, **more)


def test_a_search_is_saved_under_a_name(browser: Client, person: User) -> None:
    OllamaModelFactory()
    page = browser.get(MODELS, {"status": "stopped"}).content.decode()
    assert f"{ADD}?query=status%3Dstopped" in page
    dialog = browser.get(f"{ADD}?query=status%3Dstopped", headers=HTMX).content.decode()
    assert "Status: stopped" in dialog
    data = {"name": "Resting", "query": "status=stopped&page=3&from="}
    answer = browser.post(ADD, data, headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"{MODELS}?status=stopped"
    (search,) = SavedSearch.objects.all()
    assert (search.user, search.name, search.query) == (person, "Resting", "status=stopped")
    assert AuditRecord.objects.get(verb="search.save").resource_name == "Resting"
    assert f'href="{MODELS}?status=stopped">Resting</a>' in browser.get(MODELS).content.decode()


def test_a_name_is_used_once_and_a_search_has_to_be_one(browser: Client, person: User) -> None:
    keep(person, "mine", "")
    for data, said in (
        ({"name": "mine", "query": ""}, "You have a search “mine” already"),
        ({"name": "", "query": ""}, "required"),
        ({"name": "x", "query": "status=flying"}, "This is no search of models"),
        ({"name": "x", "query": "nonsense=1"}, "This is no search of models"),
        ({"name": "x", "query": "min_size=large"}, "This is not a size"),
    ):
        answer = browser.post(ADD, data, headers=HTMX)
        assert answer.status_code == 422
        assert said in answer.content.decode().replace("&quot;", '"')
    assert SavedSearch.objects.count() == 1


def test_the_default_one_opens_the_list(browser: Client, person: User) -> None:
    search = keep(person, "busy", "status=running")
    address = reverse("admin:search-change", args=[search.pk])
    data = {"name": "Busy", "query": "status=running", "is_default": "on"}
    assert browser.post(address, data, headers=HTMX).status_code == 204
    other = {"name": "big", "query": "min_size=4GB", "is_default": "on"}
    assert browser.post(ADD, other, headers=HTMX).status_code == 204
    assert SavedSearch.objects.get(is_default=True).name == "big"
    answer = browser.get(MODELS)
    assert answer.headers["Location"] == f"{MODELS}?min_size=4GB"
    assert browser.get(MODELS, {"search": ""}).status_code == 200
    assert browser.get(MODELS, headers=HTMX).status_code == 200
    assert 'href="/models/?search="' in browser.get(MODELS, {"min_size": "4GB"}).content.decode()


def test_a_search_is_renamed_and_forgotten(browser: Client, person: User) -> None:
    search = keep(person, "old", "search=qwen")
    address = reverse("admin:search-change", args=[search.pk])
    assert 'value="old"' in browser.get(address, headers=HTMX).content.decode()
    browser.post(address, {"name": "new", "query": "search=qwen"}, headers=HTMX)
    search.refresh_from_db()
    assert (search.name, search.query) == ("new", "search=qwen")
    gone = browser.post(reverse("admin:search-delete", args=[search.pk]), headers=HTMX)
    assert "saved no search yet" in gone.content.decode()
    assert not SavedSearch.objects.exists()
    again = browser.post(reverse("admin:search-delete", args=[search.pk]), headers=HTMX)
    assert again.status_code == 200


def test_anothers_search_is_not_there(browser: Client) -> None:
    search = keep(UserFactory(role="viewer"), "theirs", "status=error", is_default=True)
    assert browser.get(MODELS).status_code == 200
    assert "theirs" not in browser.get(MODELS).content.decode()
    assert browser.get(reverse("admin:search-change", args=[search.pk])).status_code == 404
    browser.post(reverse("admin:search-delete", args=[search.pk]))
    assert SavedSearch.objects.count() == 1


def test_what_was_looked_at_is_remembered_once(browser: Client) -> None:
    for query in ("search=a", "search=b", "search=a", "", "status=error&page=2"):
        assert browser.post(NOTE, {"query": query}, headers=HTMX).status_code == 204
    kept = list(RecentSearch.objects.values_list("query", flat=True))
    assert kept == ["status=error", "search=a", "search=b"]
    page = browser.get(MODELS).content.decode()
    assert "Status: error" in page
    assert browser.post(NOTE, {"query": "nonsense=1"}, headers=HTMX).status_code == 400
    assert browser.post(NOTE, {"query": "x" * 3000}, headers=HTMX).status_code == 400


def test_the_newest_ones_are_kept(browser: Client, person: User) -> None:
    for number in range(searches.MOST_RECENT + 5):
        searches.note_search(user=person, query=f"search=m{number}")
    kept = RecentSearch.objects.filter(user=person).values_list("query", flat=True)
    assert len(kept) == searches.MOST_RECENT
    assert kept[0] == f"search=m{searches.MOST_RECENT + 4}"


def test_only_what_somebody_asked_for_is_noted(browser: Client) -> None:
    url = f"{MODELS}?search=a"
    assert NOTE in browser.get(url).content.decode()
    assert NOTE in browser.get(url, headers=HTMX).content.decode()
    live = {**HTMX, "HX-Trigger": "oc-list"}
    assert NOTE not in browser.get(url, headers=live).content.decode()
    assert NOTE not in browser.get(MODELS).content.decode()


def test_nothing_that_is_kept_is_markup(browser: Client, person: User) -> None:
    text = '"><script>alert(1)</script>'
    keep(person, text, f"search={quote(text)}")
    searches.note_search(user=person, query=f"search={quote(text)}")
    page = browser.get(MODELS, {"search": text}).content.decode()
    assert "<script>alert(1)" not in page
