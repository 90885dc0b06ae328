"""Connection information and the jump to Open WebUI in the API."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from models_app.services import open_webui as service
from ollamactl.simulator.running import running_simulator
from tests.components.waiting import free_port
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.helpers.open_webui import open_webui

SERVERS = "/api/v1/servers/"
SITUATIONS = [
    "this_machine",
    "local_network",
    "container",
    "curl",
    "openai",
    "langchain",
    "open_webui",
    "vscode",
]


def info(client: APIClient, server: Any, query: str = "") -> Any:
    return client.get(f"{SERVERS}{server.pk}/connection-info/{query}")


def test_every_situation_has_its_url_and_texts(viewer: APIClient) -> None:
    server = OllamaServerFactory(base_url="https://ollama.example.com/gpu")
    OllamaModelFactory(server=server, name="llama3.2:latest")
    data = info(viewer, server).json()
    assert (data["server"], data["model"], data["tried"]) == (server.pk, "llama3.2:latest", False)
    assert data["authentication"] == {"kind": "none", "header": "", "variables": []}
    assert [way["situation"] for way in data["situations"]] == SITUATIONS
    for way in data["situations"]:
        assert way["url"] == "https://ollama.example.com/gpu"
        assert way["openai_url"] == "https://ollama.example.com/gpu/v1"
        assert way["state"] == "works"
        assert way["detail"]
        assert way["variables"]
        assert way["snippets"]
    assert [warning["code"] for warning in data["warnings"]] == ["open_without_key"]


def test_one_situation_from_one_place_with_one_model(viewer: APIClient) -> None:
    server = OllamaServerFactory(base_url="http://127.0.0.1:11434")
    answer = info(viewer, server, "?for=langchain&place=container&model=Qwen3:8B")
    (way,) = answer.json()["situations"]
    assert (way["situation"], way["place"]) == ("langchain", "container")
    assert way["url"] == "http://host.docker.internal:11434"
    assert '"Qwen3:8B"' in way["snippets"][0]["text"]


def test_the_urls_are_tried_when_one_asks_for_it(viewer: APIClient) -> None:
    with running_simulator() as ollama:
        server = OllamaServerFactory(base_url=ollama.url, version="0.24.0-simulated")
        data = info(viewer, server, "?try=true&for=this_machine").json()
    assert data["tried"]
    assert data["situations"][0]["state"] == "works"
    gone = info(viewer, server, "?try=1&for=this_machine").json()
    assert gone["situations"][0]["state"] == "fails"
    assert "does not answer" in gone["situations"][0]["detail"]
    assert [warning["code"] for warning in gone["warnings"]] == ["simulated"]


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("?place=moon", "place"),
        ("?for=fax", "for"),
        ("?try=maybe", "try"),
        ("?model=../..//x", "model"),
        ("?model=" + "x" * 3000, "model"),
        ("?nonsense=1", "nonsense"),
    ],
)
def test_what_is_not_understood_is_named(viewer: APIClient, query: str, attr: str) -> None:
    answer = info(viewer, OllamaServerFactory(), query)
    assert answer.status_code == 400, answer.data
    assert answer.json()["errors"][0]["attr"] == attr


def test_a_server_that_is_not_there(viewer: APIClient) -> None:
    assert viewer.get(f"{SERVERS}999/connection-info/").status_code == 404
    assert viewer.get(f"{SERVERS}999/open-webui/").status_code == 404


def test_the_jump_to_open_webui(administrator: APIClient, viewer: APIClient) -> None:
    server = OllamaServerFactory()
    address = f"{SERVERS}{server.pk}/"
    with open_webui() as stand_in:
        changed = administrator.patch(address, {"open_webui_url": f"{stand_in.url}/"})
        assert changed.json()["open_webui_url"] == stand_in.url
        answer = viewer.get(f"{address}open-webui/", HTTP_HOST="localhost:8800")
    assert answer.json() == {
        "url": stand_in.url,
        "source": "set",
        "state": "ready",
        "detail": "Open WebUI 0.12.4 answers.",
        "name": "Open WebUI",
        "version": "0.12.4",
    }


def test_the_jump_when_it_is_nowhere(viewer: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "USUAL_PORTS", (free_port(),))
    server = OllamaServerFactory()
    answer = viewer.get(f"{SERVERS}{server.pk}/open-webui/", HTTP_HOST="localhost").json()
    assert (answer["url"], answer["source"], answer["state"]) == ("", "none", "nothing")
    assert "No Open WebUI was found" in answer["detail"]


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://me:pw@x:1", "http://169.254.169.254", "http://x/?a=1", "http://"]
)
def test_an_address_that_nobody_should_be_sent_to_is_refused(
    administrator: APIClient, url: str
) -> None:
    server = OllamaServerFactory()
    answer = administrator.patch(f"{SERVERS}{server.pk}/", {"open_webui_url": url})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "open_webui_url"


def test_the_address_can_be_taken_away_again(administrator: APIClient) -> None:
    server = OllamaServerFactory(open_webui_url="http://192.168.1.20:3000")
    answer = administrator.patch(f"{SERVERS}{server.pk}/", {"open_webui_url": ""})
    assert answer.json()["open_webui_url"] == ""
    server.refresh_from_db()
    assert server.open_webui_url == ""
