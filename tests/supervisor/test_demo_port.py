"""The demo's server keeps its address from one start to the next."""

import socket
from pathlib import Path

import pytest

from ollamactl.supervisor.stack import choose_simulator_port


def test_port_of_last_time_is_kept_where_it_is_free(tmp_path: Path) -> None:
    first = choose_simulator_port(tmp_path)
    assert choose_simulator_port(tmp_path) == first
    with socket.create_server(("127.0.0.1", first)):
        other = choose_simulator_port(tmp_path)
    assert other != first
    assert choose_simulator_port(tmp_path) == other


def test_what_is_left_of_a_connection_takes_no_port_away(tmp_path: Path) -> None:
    first = choose_simulator_port(tmp_path)
    with socket.create_server(("127.0.0.1", first)) as server:
        client = socket.create_connection(("127.0.0.1", first))
        server.accept()[0].close()  # who closes first waits for what is still on its way
        assert client.recv(1) == b""
        client.close()
    assert choose_simulator_port(tmp_path) == first


@pytest.mark.parametrize("half_written", ["", "not a port", "-1", "99999999", "\0"])
def test_a_note_that_cannot_be_read_costs_the_address_only(
    tmp_path: Path, half_written: str
) -> None:
    (tmp_path / "demo-port").write_text(half_written)
    port = choose_simulator_port(tmp_path)
    assert 0 < port < 65536
    assert (tmp_path / "demo-port").read_text() == str(port)
