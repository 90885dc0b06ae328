"""The memory of a model's context: by the model itself, by one like it, by the table."""

from __future__ import annotations

from typing import Any

import pytest

from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import Unreachable
from models_app.ollama.kv_cache import KvCache
from models_app.ollama.types import ModelDetails, ShowInfo
from models_app.resources.verdict import Preflight
from models_app.services.details import describe_model
from models_app.services.preflight import check_pull
from models_app.services.states import take_facts
from ollamactl.simulator.running import RunningSimulator
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.models.conftest import MB, row_of

CACHE = KvCache(100_000, 10_000, 1024)
OTHER = KvCache(200_000)
TOKENS = 4096
Asked = list[str]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models_app.services.survey.SECONDS", 20.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The names of which a server was asked for details; it says `CACHE` of each."""
    names: Asked = []

    async def show(client: OllamaClient, name: object, **_: Any) -> ShowInfo:
        names.append(str(name))
        return ShowInfo(details=ModelDetails(), kv_cache=CACHE)

    monkeypatch.setattr(OllamaClient, "show", show)
    return names


@pytest.fixture
def server(db: None, simulator: RunningSimulator) -> OllamaServer:
    return row_of(simulator)


def check(simulator: RunningSimulator, name: str = "wanted", **options: Any) -> Preflight:
    simulator.control.publish(name, 2 * MB)
    return check_pull(server=OllamaServer.objects.order_by("pk")[0], name=name, **options)


def cache_in(found: Preflight, weights: int = 0) -> int:
    """The bytes of the cache in what was found."""
    return int(found.memory["needed"]) - (found.manifest.total_bytes if found.manifest else weights)


def test_a_model_on_the_server_is_asked_once(
    server: OllamaServer, simulator: RunningSimulator, asked: Asked
) -> None:
    row = OllamaModelFactory(server=server, name="wanted:latest", digest="a" * 64)
    found = check(simulator)
    assert found.memory["estimate"] == "model"
    assert cache_in(found) - cache_in(check(simulator, context_length=1024)) == (
        CACHE.bytes_for(TOKENS) - CACHE.bytes_for(1024)
    )
    assert asked == ["wanted:latest"]
    row.refresh_from_db()
    assert row.kv_cache == CACHE.as_json()


def test_a_model_that_is_not_there_is_not_asked_for(
    server: OllamaServer, simulator: RunningSimulator, asked: Asked
) -> None:
    OllamaModelFactory(server=server, name="wanted:latest", status="error", digest="", size=None)
    assert check(simulator).memory["estimate"] == "table"
    assert asked == []


def test_a_server_that_does_not_say_it(
    server: OllamaServer, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> ShowInfo:
        raise Unreachable("gone")

    monkeypatch.setattr(OllamaClient, "show", refuse)
    OllamaModelFactory(server=server, name="wanted:latest", digest="a" * 64)
    found = check(simulator)
    assert (found.memory["estimate"], found.verdict) == ("table", "ok")


def test_another_server_has_it(
    server: OllamaServer, simulator: RunningSimulator, asked: Asked
) -> None:
    other = OllamaServerFactory()
    OllamaModelFactory(server=other, name="wanted:latest", kv_cache=OTHER.as_json())
    found = check(simulator)
    assert found.memory["estimate"] == "sibling"
    assert cache_in(found) - cache_in(check(simulator, context_length=1024)) == 3072 * OTHER.full
    assert asked == []


def test_another_quantization_is_there(
    server: OllamaServer, simulator: RunningSimulator, asked: Asked
) -> None:
    OllamaModelFactory(server=server, name="gemma3:4b", kv_cache=OTHER.as_json())
    assert check(simulator, "gemma3:4b-it-q8_0").memory["estimate"] == "sibling"
    assert check(simulator, "gemma3:12b").memory["estimate"] == "table"
    assert check(simulator, "team/gemma3:4b").memory["estimate"] == "table"


def test_what_cannot_be_read_is_not_believed(
    server: OllamaServer, simulator: RunningSimulator, asked: Asked
) -> None:
    OllamaModelFactory(server=server, name="wanted:latest", kv_cache={"full": -1}, digest="a" * 64)
    assert check(simulator).memory["estimate"] == "table"


def test_its_page_keeps_what_the_server_says(server: OllamaServer, asked: Asked) -> None:
    row = OllamaModelFactory(server=server, name="wanted:latest", digest="a" * 64)
    OllamaModel.objects.update(digest="b" * 64)  # of another version it says nothing
    assert describe_model(row) is not None
    assert OllamaModel.objects.get().kv_cache is None
    row = OllamaModel.objects.get()
    describe_model(row)
    assert OllamaModel.objects.get().kv_cache == CACHE.as_json()


def test_another_version_has_another_cache(db: None) -> None:
    row = OllamaModelFactory(kv_cache=CACHE.as_json(), digest="a" * 64)
    assert take_facts(row, {"digest": "b" * 64}) == ["digest", "kv_cache"]
    assert row.kv_cache is None
    take_facts(row, {"digest": "c" * 64, "kv_cache": OTHER.as_json()})
    assert row.kv_cache == OTHER.as_json()
