"""The URL of a server from each place."""

from __future__ import annotations

import pytest

from models_app.connection.machine import Machine, is_loopback, panel_machine
from models_app.connection.routes import Route, routes_to, with_host
from models_app.connection.situations import Place, Program, place_of

MACHINE = Machine(("192.168.1.20", "10.0.0.20"), "172.17.0.1")


def test_a_server_on_this_machine() -> None:
    routes = routes_to("http://127.0.0.1:11434", MACHINE)
    assert routes[Place.THIS_MACHINE] == (
        Route("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
    )
    assert [route.url for route in routes[Place.LOCAL_NETWORK]] == [
        "http://192.168.1.20:11434",
        "http://10.0.0.20:11434",
    ]
    assert routes[Place.CONTAINER] == (
        Route("http://host.docker.internal:11434", "http://172.17.0.1:11434"),
    )


def test_what_cannot_be_known_is_left_out() -> None:
    routes = routes_to("http://localhost:11434", Machine())
    assert routes[Place.LOCAL_NETWORK] == ()
    assert routes[Place.CONTAINER] == (Route("http://host.docker.internal:11434", ""),)


def test_a_server_elsewhere_has_one_address_for_all() -> None:
    url = "https://ollama.example.com/gpu"
    assert set(routes_to(url, MACHINE).values()) == {(Route(url, url),)}


def test_a_panel_in_a_container_knows_its_host_by_another_name() -> None:
    routes = routes_to("http://host.docker.internal:11434", MACHINE)
    assert routes[Place.THIS_MACHINE] == (Route("http://127.0.0.1:11434"),)
    assert routes[Place.CONTAINER][0].url == "http://host.docker.internal:11434"


@pytest.mark.parametrize(
    ("url", "host", "moved"),
    [
        ("http://[::1]:11434/a/b", "192.168.1.20", "http://192.168.1.20:11434/a/b"),
        ("http://127.0.0.1", "fd00::2", "http://[fd00::2]"),
        ("https://localhost:8443", "host.example", "https://host.example:8443"),
    ],
)
def test_port_and_path_stay(url: str, host: str, moved: str) -> None:
    assert with_host(url, host) == moved


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.9.9.9", "::1"])
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert is_loopback(f"[{host}]") or ":" not in host


@pytest.mark.parametrize("host", ["localhost.example.com", "128.0.0.1", "", "host.docker.internal"])
def test_names_of_others(host: str) -> None:
    assert not is_loopback(host)


def test_how_the_reader_came_is_the_likeliest_address() -> None:
    assert panel_machine("panel.lan").addresses[0] == "panel.lan"
    assert "localhost" not in panel_machine("localhost").addresses
    assert not any(is_loopback(address) for address in panel_machine().addresses)


def test_a_program_runs_where_one_says_or_where_it_usually_does() -> None:
    assert place_of(Program.CURL, None) == Place.THIS_MACHINE
    assert place_of(Program.OPEN_WEBUI, None) == Place.CONTAINER
    assert place_of(Program.OPEN_WEBUI, Place.LOCAL_NETWORK) == Place.LOCAL_NETWORK
    assert place_of(Place.LOCAL_NETWORK, Place.CONTAINER) == Place.LOCAL_NETWORK
