"""The catalogue for programs: found by name and by what it can do, compared with a server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rest_framework.test import APIClient

from models_app.ollama.names import ModelName
from models_app.resources.fitting import Room
from models_app.resources.host import Host
from models_app.resources.machine import Memory
from tests.api.queries import count_queries
from tests.factories import OllamaServerFactory

CATALOGUE = "/api/v1/catalogue/"
GB = 1_000_000_000


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.data
    return [row["name"] for row in answer.data["results"]]


def test_a_family_has_its_downloads(viewer: APIClient) -> None:
    row = viewer.get(CATALOGUE, {"search": "qwen3:8b"}).data["results"][0]
    assert row["name"] == "qwen3"
    assert row["license"] == "Apache License 2.0"
    assert row["as_of"] >= "2025-01-01"
    (tag,) = [tag for tag in row["tags"] if tag["name"] == "qwen3:8b"]
    assert tag["parameter_size"] == "8.2B"
    assert "latest" in tag["aliases"]
    assert (tag["fits"], tag["lacks"]) == (None, None)


def test_typing_errors_and_purposes_find_families(viewer: APIClient) -> None:
    assert names(viewer.get(CATALOGUE, {"search": "lamma3.2"}))[0].startswith("llama3.2")
    assert "qwen3" in names(viewer.get(CATALOGUE, {"search": "qwne3"}))
    assert "mistral" in names(viewer.get(CATALOGUE, {"search": "Mistral AI"}))
    assert names(viewer.get(CATALOGUE, {"search": "no such model"})) == []


def test_what_it_can_do_and_how_large_it_is(viewer: APIClient) -> None:
    found = viewer.get(CATALOGUE, {"capability": "embedding", "max_size": "300 MB"}).data
    assert found["count"] > 3
    for family in found["results"]:
        assert "embedding" in family["capabilities"]
        assert all(tag["size"] <= 300_000_000 for tag in family["tags"])


def test_a_servers_room_decides_what_fits(
    viewer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = OllamaServerFactory()
    room = Room(Host(disk_free=50 * GB, memory=Memory(16 * GB, 8 * GB)))
    monkeypatch.setattr("models_app.api.catalogue_views.room_of", lambda _server: room)
    question = {"server": str(server.pk), "search": "llama3.1"}
    tags = viewer.get(CATALOGUE, question).data["results"][0]["tags"]
    lacks = {tag["name"]: (tag["fits"], tag["lacks"]) for tag in tags}
    assert lacks["llama3.1:8b"] == (True, None)
    assert lacks["llama3.1:70b"] == (False, "memory")
    assert lacks["llama3.1:405b"] == (False, "disk")
    fitting = viewer.get(CATALOGUE, {**question, "fits": "true"}).data["results"][0]["tags"]
    assert [tag["name"] for tag in fitting] == ["llama3.1:8b"]
    assert not any(tag["installed"] for tag in tags)
    here = replace(room, installed=frozenset({ModelName.parse("llama3.1:405b").key}))
    monkeypatch.setattr("models_app.api.catalogue_views.room_of", lambda _server: here)
    tags = viewer.get(CATALOGUE, question).data["results"][0]["tags"]
    assert [(tag["name"], tag["lacks"]) for tag in tags if tag["installed"]] == [
        ("llama3.1:405b", "memory")
    ]


def test_what_nobody_knows_is_unknown(viewer: APIClient) -> None:
    server = OllamaServerFactory(base_url="http://192.0.2.7:11434")
    row = viewer.get(CATALOGUE, {"server": str(server.pk), "search": "phi4"}).data["results"][0]
    assert {tag["fits"] for tag in row["tags"]} == {None}


@pytest.mark.parametrize(
    "query",
    [
        {"capability": "flying"},
        {"max_size": "large"},
        {"server": "999999"},
        {"server": "x"},
        {"fits": "maybe"},
        {"search": "x" * 201},
        {"popular": "true"},
    ],
)
def test_bad_questions_say_so(viewer: APIClient, query: dict[str, str]) -> None:
    answer = viewer.get(CATALOGUE, query)
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"] == next(iter(query))


def test_it_is_in_pages_and_costs_no_queries(viewer: APIClient) -> None:
    page = viewer.get(CATALOGUE, {"page_size": 5}).data
    assert (len(page["results"]), page["count"] > 60) == (5, True)
    assert page["next"]
    assert viewer.get(CATALOGUE, {"page": 999}).status_code == 404
    assert count_queries(lambda: viewer.get(CATALOGUE)) == count_queries(
        lambda: viewer.get(CATALOGUE, {"page_size": 5})
    )
