"""The jump to Open WebUI: what answers at its address is looked at before anybody is sent there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from audit_app.actors import SYSTEM
from models_app.models import OllamaServer
from models_app.services import open_webui as service
from models_app.services.open_webui import Jump, open_webui_of
from ollamactl.simulator.running import running_simulator
from tests.components.waiting import free_port
from tests.factories import OllamaServerFactory
from tests.helpers.open_webui import CONFIG, StandIn, open_webui

pytestmark = pytest.mark.django_db
LAN_NAME = "panel.example.test"  # no name server knows it


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with open_webui() as running:
        yield running


def jump_of(url: str, asked_as: str = "127.0.0.1") -> Jump:
    server: OllamaServer = OllamaServerFactory(open_webui_url=url)
    return open_webui_of(actor=SYSTEM, server=server, asked_as=asked_as)


def test_open_webui_at_the_address_that_is_set(stand_in: StandIn) -> None:
    jump = jump_of(stand_in.url)
    assert (jump.url, jump.source, jump.state) == (stand_in.url, "set", "ready")
    assert (jump.name, jump.version) == ("Open WebUI", "0.12.4")
    assert jump.is_ready


def test_its_owner_may_have_named_it(stand_in: StandIn) -> None:
    stand_in.answer("/api/config", {**CONFIG, "name": "Our chat\x1b[31m <b>" + "x" * 500})
    jump = jump_of(stand_in.url)
    assert jump.is_ready
    assert jump.name.startswith("Our chat")
    assert len(jump.name) <= 100
    assert jump.name.isprintable()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>another program</html>", 200),
        ({"status": True}, 200),
        ({"status": True, "name": "Grafana", "version": "11"}, 200),
        ({**CONFIG, "features": None}, 200),
        ([CONFIG], 200),
        (b"[" * 100_000, 200),
        (b"", 404),
        (b"", 500),
    ],
)
def test_something_else_on_that_port_is_said_to_be(
    stand_in: StandIn, body: Any, status: int
) -> None:
    stand_in.answer("/api/config", body, status)
    jump = jump_of(stand_in.url)
    assert (jump.state, jump.is_ready) == ("something_else", False)
    assert "not Open WebUI" in str(jump.detail)


def test_ollama_itself_is_not_open_webui() -> None:
    with running_simulator() as ollama:
        assert jump_of(ollama.url).state == "something_else"


def test_an_endless_answer_is_not_read() -> None:
    with open_webui({**CONFIG, "name": "x" * 300_000}) as stand_in:
        assert not jump_of(stand_in.url).is_ready


def test_nothing_there_says_what_to_do() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    jump = jump_of(url)
    assert (jump.url, jump.state) == (url, "nothing")
    assert str(jump.detail) == f"Nothing answers at {url}. Check that Open WebUI runs there."


def test_https_at_a_port_of_plain_http_is_named(stand_in: StandIn) -> None:
    jump = jump_of(stand_in.url.replace("http:", "https:"))
    assert jump.state == "nothing"
    assert "does not speak https" in str(jump.detail)


@pytest.mark.parametrize(
    ("status", "headers", "state"),
    [
        (302, {"Location": "https://login.example.test/"}, "guarded"),
        (401, {}, "guarded"),
        (403, {}, "guarded"),
        (502, {}, "starting"),
        (503, {}, "starting"),
    ],
)
def test_what_stands_in_front_of_it_is_told_apart(
    stand_in: StandIn, status: int, headers: dict[str, str], state: str
) -> None:
    stand_in.answer("/api/config", b"", status, **headers)
    assert jump_of(stand_in.url).state == state
    assert [path for path, _headers in stand_in.asked] == ["/api/config"]  # and nowhere else


def test_no_secret_of_the_server_goes_there(stand_in: StandIn) -> None:
    server = OllamaServerFactory(
        auth_kind="bearer", credentials={"token": "s3cret"}, open_webui_url=stand_in.url
    )
    assert open_webui_of(actor=SYSTEM, server=server).is_ready
    ((_path, headers),) = stand_in.asked
    assert "s3cret" not in str(headers)
    assert "Authorization" not in headers


def test_a_loopback_address_is_no_use_to_a_browser_elsewhere(stand_in: StandIn) -> None:
    jump = jump_of(stand_in.url, asked_as=LAN_NAME)
    assert (jump.url, jump.state) == (stand_in.url, "only_here")
    assert "your browser does not get there" in str(jump.detail)


def test_a_browser_elsewhere_is_sent_by_the_name_that_it_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 127.0.0.2 stands for the machine's address in a network.
    monkeypatch.setattr(service, "is_loopback", lambda host: host != "127.0.0.2")
    with open_webui(host="0.0.0.0") as stand_in:
        port = stand_in.url.rpartition(":")[2]
        jump = jump_of(f"http://localhost:{port}", asked_as="127.0.0.2")
    assert (jump.url, jump.state) == (f"http://127.0.0.2:{port}", "ready")


@pytest.fixture
def usual_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A free port instead of the usual ones, where somebody may have something."""
    port = free_port()
    monkeypatch.setattr(service, "USUAL_PORTS", (port,))
    return port


def test_it_is_found_at_a_usual_port(usual_port: int) -> None:
    with open_webui(port=usual_port) as stand_in:
        jump = jump_of("")
    assert (jump.url, jump.source, jump.state) == (stand_in.url, "found", "ready")


def test_one_that_is_found_may_be_out_of_reach(usual_port: int) -> None:
    with open_webui(port=usual_port):
        jump = jump_of("", asked_as=LAN_NAME)
    assert (jump.source, jump.state) == ("found", "only_here")


def test_something_else_at_a_usual_port_is_not_taken_for_it(usual_port: int) -> None:
    with open_webui({"status": True}, port=usual_port):
        jump = jump_of("")
    assert (jump.url, jump.source, jump.state) == ("", "none", "nothing")
    assert f"http://127.0.0.1:{usual_port}" in str(jump.detail)


def test_it_is_looked_for_beside_the_ollama_too(usual_port: int) -> None:
    server = OllamaServerFactory(base_url="http://127.0.0.1:11434")
    elsewhere = OllamaServerFactory(base_url="https://10.255.255.1:443/ollama")
    said = [
        str(open_webui_of(actor=SYSTEM, server=one, asked_as="127.0.0.1").detail)
        for one in (server, elsewhere)
    ]
    assert "10.255.255.1" not in said[0]
    assert f"http://10.255.255.1:{usual_port}" in said[1]
