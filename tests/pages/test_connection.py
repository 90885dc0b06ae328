"""The page about connecting to a server, its files, and the jump to Open WebUI."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from models_app.models import OllamaServer
from models_app.services import connection, open_webui
from ollamactl.simulator.running import running_simulator
from tests.components.waiting import free_port
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.helpers.open_webui import open_webui as running_open_webui
from tests.pages.conftest import HTMX, ClientOf

pytestmark = pytest.mark.django_db
SECRET = "s3cret-of-the-proxy"


def address(name: str, server: OllamaServer, query: str = "") -> str:
    return reverse(f"admin:server-{name}", args=[server.pk]) + query


def shown(client: Client, url: str, **options: Any) -> str:
    answer = client.get(url, **options)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


@pytest.fixture
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every question to another machine be an error."""

    def ask(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a page waits for nobody")

    monkeypatch.setattr(connection, "try_out", ask)
    monkeypatch.setattr(open_webui, "visit_all", ask)


@pytest.mark.usefixtures("nobody_asks")
def test_pages_and_files_ask_nobody(viewer: Client) -> None:
    server = OllamaServerFactory()
    page = shown(viewer, address("connect", server))
    assert 'hx-trigger="load"' in page
    assert server.base_url in page
    assert 'hx-trigger="load"' in shown(viewer, address("open-webui", server))
    shown(viewer, address("connect-export", server))


def test_the_fragment_says_what_was_tried(viewer: Client) -> None:
    with running_simulator() as ollama:
        server = OllamaServerFactory(base_url=ollama.url)
        part = shown(viewer, address("connect", server), headers=HTMX)
    assert part.startswith('<div id="connection"')
    assert 'hx-trigger="load"' not in part
    assert "It answers here." in part
    part = shown(viewer, address("connect", server), headers=HTMX)
    assert "does not work" in part


def test_program_place_and_model_are_chosen_in_the_address(viewer: Client) -> None:
    server = OllamaServerFactory(base_url="http://127.0.0.1:11434")
    OllamaModelFactory(server=server, name="a:1")
    OllamaModelFactory(server=server, name="b:1")
    page = shown(viewer, address("connect", server, "?for=langchain&place=container&model=b:1"))
    assert escape('base_url="http://host.docker.internal:11434"') in page
    assert escape('model="b:1"') in page
    assert '<option value="container" selected>' in page
    assert '<option value="b:1" selected>' in page
    for place in ("this_machine", "local_network", "container"):
        assert f'<option value="{place}" selected>' in shown(
            viewer, address("connect", server, f"?for={place}")
        )


@pytest.mark.parametrize("query", ["?for=fax", "?place=moon", "?model=//", "?for=curl&place=%00"])
def test_what_is_not_understood_is_a_sentence(viewer: Client, query: str) -> None:
    answer = viewer.get(address("connect", OllamaServerFactory(), query))
    assert answer.status_code == 400
    assert "oc-" in answer.content.decode()


def test_an_open_server_is_warned_of(viewer: Client) -> None:
    server = OllamaServerFactory(base_url="http://192.168.7.7:11434")
    for url in (address("connect", server), reverse("admin:server", args=[server.pk])):
        assert "open to the network without a key" in shown(viewer, url)
    behind = OllamaServerFactory(base_url="http://127.0.0.1:11434")
    page = shown(viewer, reverse("admin:server", args=[behind.pk]))
    assert "without a key" not in page


def test_secrets_are_in_no_page_and_no_file(client_of: ClientOf) -> None:
    credentials = {"name": "X-Lab-Key", "value": SECRET}
    server = OllamaServerFactory(auth_kind="header", credentials=credentials)
    for role in ("viewer", "administrator"):
        client = client_of(role)
        for program in ("curl", "openai", "langchain", "open_webui", "vscode"):
            page = shown(client, address("connect", server, f"?for={program}"))
            assert SECRET not in page
            assert "OLLAMA_API_KEY" in page
            assert ("X-Lab-Key" in page) == (
                role == "administrator" and program in ("curl", "openai", "langchain", "vscode")
            )
        assert SECRET not in shown(client, address("connect-export", server, "?format=json"))


def test_names_from_outside_are_escaped(viewer: Client) -> None:
    server = OllamaServerFactory(name="<script>alert(1)</script>", base_url="http://h:1/a'b<i>")
    page = shown(viewer, address("connect", server))
    assert "<script>alert" not in page
    assert "<i>" not in page


def test_a_file_in_each_format(viewer: Client) -> None:
    server = OllamaServerFactory(name="Das Labor", base_url="http://192.168.7.7:11434")
    texts = {}
    for format in ("env", "json", "yaml"):
        query = f"?format={format}&for=openai"
        answer = viewer.get(address("connect-export", server, query))
        assert answer.headers["Content-Disposition"] == (
            f'attachment; filename="ollama-das-labor.{format}"'
        )
        texts[format] = answer.content.decode()
    assert "OPENAI_BASE_URL=http://192.168.7.7:11434/v1\n" in texts["env"]
    assert json.loads(texts["json"]) == yaml.safe_load(texts["yaml"])
    assert json.loads(texts["json"])["situations"]["openai"]["variables"] == {
        "OPENAI_BASE_URL": "http://192.168.7.7:11434/v1",
        "OPENAI_API_KEY": "ollama",
    }
    whole = json.loads(shown(viewer, address("connect-export", server, "?format=json")))
    assert len(whole["situations"]) == 8
    assert viewer.get(address("connect-export", server, "?format=exe")).status_code == 400


def test_a_file_of_a_chinese_server_has_a_name_too(viewer: Client) -> None:
    server = OllamaServerFactory(name="实验室")
    answer = viewer.get(address("connect-export", server))
    assert f"ollama-{server.pk}.env" in unquote(answer.headers["Content-Disposition"])
    assert "# 实验室 · " in answer.content.decode()


def test_the_jump_goes_to_open_webui(viewer: Client) -> None:
    with running_open_webui() as stand_in:
        server = OllamaServerFactory(open_webui_url=stand_in.url)
        look = address("open-webui-look", server)
        local: dict[str, Any] = {"HTTP_HOST": "localhost"}
        answer = viewer.get(f"{look}?jump=1", headers=HTMX, **local)
        assert f'data-go="{stand_in.url}"' in answer.content.decode()
        part = viewer.get(look, headers=HTMX, **local)
    assert "data-go" not in part.content.decode()
    assert "Open WebUI 0.12.4 answers." in part.content.decode()
    assert address("open-webui", server) in part.content.decode()


def test_the_jump_stays_where_something_else_answers(viewer: Client, administrator: Client) -> None:
    with running_open_webui({"status": True}) as something:
        server = OllamaServerFactory(open_webui_url=something.url)
        look = address("open-webui-look", server, "?jump=1")
        answers = [
            client.get(look, headers=HTMX, HTTP_HOST="localhost")
            for client in (viewer, administrator)
        ]
    for answer in answers:
        assert answer.status_code == 200
        assert "data-go" not in answer.content.decode()
        assert "is not Open WebUI" in answer.content.decode()
    assert "an administrator can set that" in answers[0].content.decode()
    assert address("edit", server) not in answers[0].content.decode()
    assert address("edit", server) in answers[1].content.decode()


def test_who_has_none_is_shown_how_to_start_it(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_webui, "USUAL_PORTS", (free_port(),))
    server = OllamaServerFactory(base_url="http://127.0.0.1:11434")
    look = address("open-webui-look", server)
    part = viewer.get(look, headers=HTMX, HTTP_HOST="localhost").content.decode()
    assert "No Open WebUI was found" in part
    assert "OLLAMA_BASE_URL=http://host.docker.internal:11434" in part


def test_its_address_is_set_in_the_servers_form(administrator: Client) -> None:
    server = OllamaServerFactory(name="Attic", base_url="http://192.168.7.7:11434")
    fields = {"name": "Attic", "base_url": server.base_url, "auth_kind": "none"}
    url = reverse("admin:server-edit", args=[server.pk])
    wrong = administrator.post(url, {**fields, "open_webui_url": "ftp://x"}, headers=HTMX)
    assert wrong.status_code == 422
    right = administrator.post(url, {**fields, "open_webui_url": "192.168.7.7:3000/"}, headers=HTMX)
    assert right.status_code == 204, right.content.decode()
    server.refresh_from_db()
    assert server.open_webui_url == "http://192.168.7.7:3000"
    assert server.open_webui_url in shown(administrator, url, headers=HTMX)


def test_the_servers_pages_lead_there(viewer: Client) -> None:
    server = OllamaServerFactory()
    page = shown(viewer, reverse("admin:server", args=[server.pk]))
    assert address("connect", server) in page
    assert address("open-webui", server) in page
    assert address("connect", server) in shown(viewer, reverse("admin:servers"))
