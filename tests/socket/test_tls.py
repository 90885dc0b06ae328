"""Sockets of a web process that speaks TLS itself: the same words, none of them in the clear."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.components.waiting import free_port
from tests.helpers.certificates import server_certificate
from tests.helpers.valkey import ValkeyProcess
from tests.socket.client import Listener, connect
from tests.socket.conftest import NewUser, WebProcess
from tests.socket.test_slow_client import subscribe_by_hand
from tests.socket.test_slow_reader import assert_newest_of, messages_of, numbers_and_changes

pytestmark = pytest.mark.alone

CLOSE = 0x88


@dataclass(frozen=True)
class TlsPanel:
    """A panel at `address` (`host:port`), for a client with the context that trusts it."""

    address: str
    trust: ssl.SSLContext
    session: str

    def listen(self) -> Listener:
        """A client that reads at once."""
        origin = f"https://{self.address}"
        good = connect(self.address, session=self.session, origin=origin, tls=self.trust)
        good.subscribe("models")
        good.next("snapshot")
        return good

    def connect_by_hand(self) -> ssl.SSLSocket:
        """A client that subscribes to "models" and reads when the test does."""
        host, _, port = self.address.partition(":")
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect((host, int(port)))
        client = self.trust.wrap_socket(plain, server_hostname=host)
        client.settimeout(20)
        subscribe_by_hand(client, f"https://{self.address}", self.session)
        return client


@pytest.fixture
def tls_panel(
    transactional_db: None,
    valkey: ValkeyProcess,
    tmp_path: Path,
    new_user: NewUser,
    browser_of: Any,
) -> Iterator[TlsPanel]:
    """A web process that listens with TLS, too, and somebody who is logged in."""
    _context, ca_pem = server_certificate(tmp_path, "127.0.0.1")
    pem, port = tmp_path / "server.pem", free_port()
    endpoint = f"ssl:{port}:interface=127.0.0.1:privateKey={pem}:certKey={pem}"
    web = WebProcess(valkey.url, tmp_path / "web.log", "-e", endpoint)
    web.environment["OLLAMACTL_PUBLIC_URL"] = f"https://127.0.0.1:{port}"
    web.start()
    try:
        session = browser_of(new_user()).cookies[settings.SESSION_COOKIE_NAME].value
        trust = ssl.create_default_context(cadata=ca_pem)
        yield TlsPanel(f"127.0.0.1:{port}", trust, session)
    finally:
        web.stop()


def test_a_slow_reader_over_tls_gets_the_newest_and_every_change(tls_panel: TlsPanel) -> None:
    good = tls_panel.listen()
    slow = tls_panel.connect_by_hand()
    messages = messages_of(slow)
    while next(messages)["type"] != "snapshot":
        pass
    numbers_and_changes(good)
    assert_newest_of(messages)
    slow.close()
    good.close()


def test_who_says_goodbye_in_the_middle_of_much_is_let_go(tls_panel: TlsPanel) -> None:
    good = tls_panel.listen()
    leaving = tls_panel.connect_by_hand()
    numbers_and_changes(good)
    leaving.sendall(bytes([CLOSE, 0x82, 0, 0, 0, 0]) + (1000).to_bytes(2))
    while leaving.recv(65_536):
        pass  # to the end: the server closes, and does so in the words of TLS
    leaving.close()
    good.hears_nothing_but(["task.changed", "task.progress"])
    good.close()
