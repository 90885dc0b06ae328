"""The same test on the simulated Ollama and on the real one: a server's row, and what it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from audit_app.actors import SYSTEM
from models_app.choices import ServerStatus
from models_app.models import OllamaModel, OllamaServer
from models_app.services import servers
from ollamactl.simulator.running import RunningSimulator
from tests.components.inventory import TINY_MODEL_NAME
from tests.components.loopback import PLAIN

if TYPE_CHECKING:
    from tests.models.conftest import Panel


@dataclass
class Backend:
    """A server of the panel with one model, `name`; `is_real` says which of the two it is."""

    panel: Panel
    url: str
    is_real: bool
    name: str = TINY_MODEL_NAME

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the server past the panel."""
        answer = httpx.request(
            method, self.url + path, json=body, verify=PLAIN, trust_env=False, timeout=60
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def tags(self) -> dict[str, str]:
        """Digests by name, as the server lists them."""
        return {row["name"]: row["digest"] for row in self.ask("GET", "/api/tags")["models"]}

    def loaded(self) -> list[str]:
        """The names in memory."""
        return [row["name"] for row in self.ask("GET", "/api/ps")["models"]]

    def sync(self) -> dict[str, Any]:
        """Sync through the panel; the result."""
        task = servers.sync_server(actor=SYSTEM, server=self.panel.server)
        result = self.panel.wait(task).result
        assert result is not None
        return dict(result)

    def model(self, name: str = "") -> OllamaModel:
        """The row of a model."""
        return self.panel.model(name or self.name)


@pytest.fixture(params=["simulated", "real"])
def backend(
    request: pytest.FixtureRequest, panel: Panel, simulator: RunningSimulator
) -> Iterator[Backend]:
    """The server with its model, synced; needs the `engine` too."""
    request.getfixturevalue("engine")
    if request.param == "simulated":
        simulator.control.install(TINY_MODEL_NAME)
        server = Backend(panel, simulator.url, is_real=False)
    else:
        real = request.getfixturevalue("real_ollama")
        panel.server = OllamaServer.objects.create(
            name="real", base_url=real.url, status=ServerStatus.ONLINE, version="0.24.0"
        )
        server = Backend(panel, real.url, is_real=True)
    server.sync()
    yield server
    if server.is_real:
        for name in server.tags():
            if name != TINY_MODEL_NAME:
                server.ask("DELETE", "/api/delete", {"model": name})
        server.ask("POST", "/api/generate", {"model": TINY_MODEL_NAME, "keep_alive": 0})
