"""A machine of which 127.0.0.2 is the address in its network, and 127.0.0.3 that in the network of
its containers: so tests need no interface beyond loopback."""

from __future__ import annotations

import pytest

from models_app.connection import cautions, judging, routes
from models_app.connection.machine import Machine
from models_app.services import connection

OUTER, BRIDGE = "127.0.0.2", "127.0.0.3"


@pytest.fixture
def networked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that these two addresses lead out of the machine."""

    def is_loopback(host: str) -> bool:
        return host in ("127.0.0.1", "localhost")

    for module in (routes, judging, cautions):
        monkeypatch.setattr(module, "is_loopback", is_loopback)
    monkeypatch.setattr(connection, "panel_machine", lambda asked_as="": Machine((OUTER,), BRIDGE))
