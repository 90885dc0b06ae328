"""Which URL works from where, on a simulated and the real Ollama, and what to beware of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit_app.actors import SYSTEM, Actor
from models_app.choices import ServerStatus
from models_app.connection.situations import Place
from models_app.services.connection import Connection, connection_info
from ollamactl.lib.errors import NotPermitted
from ollamactl.simulator.running import running_simulator
from tests.components.fixtures import NewOllama
from tests.components.inventory import OLLAMA
from tests.components.ollama_server import OllamaProcess
from tests.components.requirement import require
from tests.components.waiting import free_port
from tests.connection.conftest import BRIDGE, OUTER
from tests.factories import OllamaModelFactory, OllamaServerFactory, UserFactory, actor_of
from tests.helpers.keyed_proxy import keyed_proxy
from tests.helpers.open_webui import open_webui

pytestmark = pytest.mark.django_db


def info_of(url: str, *, try_it: bool = True, **fields: Any) -> Connection:
    server = OllamaServerFactory(base_url=url, **fields)
    return connection_info(actor=SYSTEM, server=server, try_it=try_it)


def states(info: Connection) -> dict[str, str]:
    return {place: info.ways[place].judgement.state for place in Place.values}


def codes(info: Connection) -> list[str]:
    return [caution.code for caution in info.cautions]


@pytest.mark.usefixtures("networked")
def test_the_real_ollama_listens_on_its_own_machine_alone(real_ollama: OllamaProcess) -> None:
    info = info_of(real_ollama.url)
    assert states(info) == {"this_machine": "works", "local_network": "fails", "container": "fails"}
    assert info.ways["this_machine"].judgement.url == real_ollama.url
    assert info.ways["local_network"].judgement.url == f"http://{OUTER}:{real_ollama.port}"
    assert "OLLAMA_HOST=0.0.0.0" in str(info.ways["local_network"].judgement.detail)
    container = info.ways["container"].judgement
    assert container.url == f"http://host.docker.internal:{real_ollama.port}"
    assert "--network=host" in str(container.detail)
    assert codes(info) == []


@pytest.mark.usefixtures("networked")
def test_the_real_ollama_open_to_the_network_is_warned_of(tmp_path: Path) -> None:
    with OllamaProcess(require(OLLAMA), tmp_path / "open", host="0.0.0.0") as ollama:
        info = info_of(ollama.url)
    assert set(states(info).values()) == {"works"}
    assert codes(info) == ["open_without_key"]
    detail = str(info.cautions[0].detail)
    assert f"http://{OUTER}:{ollama.port}" in detail or f"http://{BRIDGE}:{ollama.port}" in detail


@pytest.mark.usefixtures("networked")
def test_a_frozen_ollama_does_not_hold_anybody_up(new_ollama: NewOllama) -> None:
    ollama = new_ollama()
    ollama.freeze()
    info = info_of(ollama.url)
    ollama.thaw()
    assert states(info)["this_machine"] == "fails"


@pytest.mark.usefixtures("networked")
def test_another_ollama_at_the_same_port_of_another_address_is_told_apart() -> None:
    with running_simulator() as ollama:
        port = int(ollama.url.rpartition(":")[2])
        with open_webui(host=OUTER, port=port) as other:  # any small web server will do
            other.answer("/api/version", {"version": "9.9.9"})
            info = info_of(ollama.url)
    way = info.ways["local_network"].judgement
    assert (way.state, str(way.detail)) == (
        "fails",
        "Another Ollama answers there: its version is 9.9.9.",
    )
    assert codes(info) == []


@pytest.mark.usefixtures("networked")
def test_nothing_is_asked_unless_one_wants_it() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    info = info_of(url, try_it=False)
    assert states(info) == {
        "this_machine": "works",
        "local_network": "unknown",
        "container": "unknown",
    }
    assert not info.is_tried
    gone = info_of(f"{url}/x", try_it=False, status=ServerStatus.OFFLINE)
    assert set(states(gone).values()) == {"fails"}


def test_an_open_server_elsewhere_is_warned_of_before_anything_is_tried() -> None:
    info = info_of("http://192.168.7.7:11434", try_it=False)
    assert codes(info) == ["open_without_key"]
    assert "http://192.168.7.7:11434" in str(info.cautions[0].detail)
    off = info_of("http://192.168.7.8:11434", try_it=False, status=ServerStatus.OFFLINE)
    assert codes(off) == []  # nobody knows


SECRET = "s3cret-of-the-proxy"
BEARER: dict[str, Any] = {"auth_kind": "bearer", "credentials": {"token": SECRET}}


@pytest.mark.usefixtures("networked")
def test_a_server_that_asks_for_its_key() -> None:
    with (
        running_simulator() as ollama,
        keyed_proxy(ollama.url, "Authorization", f"Bearer {SECRET}", host="0.0.0.0") as url,
    ):
        info = info_of(url.replace("0.0.0.0", "127.0.0.1"), **BEARER)
    assert set(states(info).values()) == {"works"}
    assert "asks for credentials" in str(info.ways["local_network"].judgement.detail)
    assert codes(info) == []


@pytest.mark.usefixtures("networked")
def test_a_key_that_nobody_asks_for_is_named() -> None:
    with running_simulator() as ollama:
        info = info_of(ollama.url, **BEARER)
    assert "credentials_not_asked" in codes(info)


def test_credentials_over_plain_http_are_named() -> None:
    info = info_of("http://192.168.7.7:11434", try_it=False, **BEARER)
    assert codes(info) == ["credentials_in_the_clear"]
    assert codes(info_of("https://192.168.7.7", try_it=False, **BEARER)) == []


def test_wrong_credentials_fail() -> None:
    with running_simulator() as ollama, keyed_proxy(ollama.url, "X-Key", "other") as url:
        info = info_of(url, auth_kind="header", credentials={"name": "X-Key", "value": SECRET})
    assert states(info)["this_machine"] == "fails"
    assert "credentials" in str(info.ways["this_machine"].judgement.detail)


def test_no_secret_is_told_to_anybody() -> None:
    secrets = {
        "bearer": {"token": SECRET},
        "basic": {"username": "ada", "password": SECRET},
        "header": {"name": "X-Key", "value": SECRET},
    }
    for kind, credentials in secrets.items():
        info = info_of(
            f"http://192.168.7.7:{free_port()}",
            try_it=False,
            auth_kind=kind,
            credentials=credentials,
        )
        told = str([(way.variables, way.snippets) for way in info.ways.values()])
        assert SECRET not in told
        assert "ada" not in told
        assert "OLLAMA_API_KEY" in told or "OLLAMA_PASSWORD" in told


def test_the_name_of_an_own_header_is_for_who_may_change_the_server() -> None:
    server = OllamaServerFactory(
        auth_kind="header", credentials={"name": "X-Lab-Key", "value": SECRET}
    )
    told = {
        role: connection_info(actor=actor_of(UserFactory(role=role)), server=server).key.header
        for role in ("viewer", "operator", "administrator")
    }
    assert told["administrator"] == "X-Lab-Key"
    assert "Lab" not in told["viewer"] + told["operator"]


def test_the_model_that_texts_name_is_one_of_the_server() -> None:
    server = OllamaServerFactory()
    assert connection_info(actor=SYSTEM, server=server).model == ""
    OllamaModelFactory(server=server, name="all-minilm:latest", family="bert")
    OllamaModelFactory(server=server, name="b:1", is_loaded=True)
    OllamaModelFactory(server=server, name="a:1")
    OllamaModelFactory(name="elsewhere:1", is_loaded=True)
    info = connection_info(actor=SYSTEM, server=server)
    assert info.model == "b:1"
    assert all('"b:1"' in snippet.text for snippet in info.ways["langchain"].snippets)
    assert connection_info(actor=SYSTEM, server=server, model="c:1").model == "c:1"


def test_who_may_not_see_servers_sees_no_connection() -> None:
    actor: Actor = actor_of(UserFactory())
    with pytest.raises(NotPermitted):
        connection_info(actor=actor, server=OllamaServerFactory())
