"""The catalogue's page, and what the add dialog knows from it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from models_app.ollama.names import ModelName
from models_app.resources.fitting import Room
from models_app.resources.host import Host
from models_app.resources.machine import Memory
from models_app.resources.verdict import WARN, Preflight
from tests.factories import OllamaServerFactory
from tests.pages.conftest import HTMX, ClientOf

pytestmark = pytest.mark.django_db
CATALOGUE = reverse("admin:catalogue")


def page_of(client: Client, **query: str) -> str:
    answer = client.get(CATALOGUE, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def families(page: str) -> list[str]:
    return re.findall(r'<h2 id="family-([^"]+)"', page)


def test_it_is_found_in_the_navigation(client_of: ClientOf) -> None:
    assert f'href="{CATALOGUE}"' in client_of("viewer").get("/").content.decode()
    assert f'href="{CATALOGUE}"' not in client_of(None).get("/").content.decode()


def test_families_are_shown_in_pages_with_their_date(viewer: Client) -> None:
    page = page_of(viewer)
    assert len(families(page)) == 50
    assert "Sizes are approximate" in page
    assert "Next" in page


def test_a_search_marks_what_was_typed(viewer: Client) -> None:
    page = page_of(viewer, search="qwen3")
    assert families(page)[0] == "qwen3"
    assert "<mark>qwen3</mark>:8b" in page


def test_nothing_typed_is_markup(viewer: Client) -> None:
    page = page_of(viewer, search='"><script>alert(1)</script>')
    assert "<script>alert(1)" not in page
    assert "Nothing in the catalogue fits this" in page


def test_a_download_begins_in_the_dialog(client_of: ClientOf) -> None:
    server = OllamaServerFactory()
    address = f"{reverse('admin:model-add')}?name=qwen3%3A8b&amp;server={server.pk}"
    assert address in page_of(client_of("operator"), search="qwen3")
    assert address not in page_of(client_of("viewer"), search="qwen3")
    other = OllamaServerFactory(name="aaa")
    dialog = client_of("operator").get(
        reverse("admin:model-add"), {"name": "qwen3:8b", "server": str(server.pk)}, headers=HTMX
    )
    assert f'<option value="{server.pk}" selected>' in dialog.content.decode()
    assert f'<option value="{other.pk}" selected>' not in dialog.content.decode()


def test_room_is_compared_or_unknown(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    OllamaServerFactory(base_url="http://192.0.2.7:11434", name="far")
    page = page_of(viewer, search="llama3.1")
    assert "disk unknown" in page
    room = Room(Host(disk_free=50_000_000_000, memory=Memory(16_000_000_000, 8_000_000_000)))
    monkeypatch.setattr("models_app.views.catalogue.room_of", lambda _server: room)
    page = page_of(viewer, search="llama3.1")
    for text in ("too large for the disk", "too large for the free memory", ">fits<"):
        assert text in page
    assert "too large" not in page_of(viewer, search="llama3.1", fits="true")
    assert ">installed<" not in page
    here = replace(room, installed=frozenset({ModelName.parse("llama3.1:405b").key}))
    monkeypatch.setattr("models_app.views.catalogue.room_of", lambda _server: here)
    page = page_of(viewer, search="llama3.1")
    assert page.count(">installed<") == 1


def test_a_wrong_filter_says_so(viewer: Client) -> None:
    page = page_of(viewer, max_size="huge")
    assert "This is not a size" in page
    assert "Clear the filters" in page


def test_the_add_dialog_suggests_names(operator: Client) -> None:
    OllamaServerFactory()
    dialog = operator.get(reverse("admin:model-add"), headers=HTMX).content.decode()
    assert 'list="known-names"' in dialog
    assert '<option value="llama3.2:3b">3.2B' in dialog


def test_the_check_says_who_knows_the_name(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models_app.views.pulls.check_pull", lambda **_: Preflight(verdict=WARN))
    server = OllamaServerFactory()

    def check(name: str) -> str:
        data = {"name": name, "server": server.pk}
        answer = operator.post(reverse("admin:model-add-check"), data, headers=HTMX)
        return str(answer.content.decode())

    assert "Apache License 2.0" in check("qwen3:8b-unheard-of")
    assert "hf.co has been asked" in check("hf.co/some/body:Q4_0")
