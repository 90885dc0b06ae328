"""A whole panel next to a real Ollama and a real registry, one of each for a module of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.components.inventory import OLLAMA
from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import RegistryProcess
from tests.components.requirement import require
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.users import make_users

AsUser = Callable[[str], Api]
USERS = ("administrator", "operator", "viewer", "leaving viewer", "nobody")


@pytest.fixture(scope="module")
def module_ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaProcess]:
    """An Ollama without models at first, which the module's panel finds by itself."""
    with OllamaProcess(require(OLLAMA), tmp_path_factory.mktemp("ollama")) as server:
        yield server


@pytest.fixture(scope="module")
def panel(
    module_ollama: OllamaProcess, session_registry: RegistryProcess
) -> Iterator[PanelProcess]:
    """A ready panel, told where the Ollama is and that the registry speaks plain http."""
    # Short, since the path of a unix socket is.
    with TemporaryDirectory(prefix="octl-") as folder:
        running = PanelProcess(
            Path(folder) / "h",
            prepared=True,
            OLLAMACTL_OLLAMA_URL=module_ollama.url,
            OLLAMACTL_INSECURE_REGISTRIES=session_registry.host,
            OLLAMACTL_LANGUAGE="en",
        )
        with running:
            running.start()
            yield running


@pytest.fixture(scope="module")
def admin(panel: PanelProcess) -> Iterator[Api]:
    """The administrator of the first start."""
    with Api.log_in(panel) as api:
        yield api


@pytest.fixture
def ollama(module_ollama: OllamaProcess) -> OllamaProcess:
    """The module's Ollama, running, whatever the last test did to it."""
    module_ollama.thaw()
    module_ollama.start()
    return module_ollama


@pytest.fixture
def server(admin: Api, ollama: OllamaProcess, real_registry: RegistryProcess) -> int:
    """The id of that Ollama's server, online, with the registry at full speed."""
    (found,) = wait_until(
        lambda: admin.all("servers/", search="Ollama"), "the panel has found its Ollama", 20
    )
    assert found["base_url"] == ollama.url
    admin.wait_for_server(found["id"])
    return int(found["id"])


@pytest.fixture(scope="module")
def passwords(panel: PanelProcess) -> dict[str, str]:
    """Users by name, each with the role that its name ends with; "nobody" has none."""
    return make_users(panel, *USERS)


@pytest.fixture(scope="module")
def as_user(panel: PanelProcess, passwords: dict[str, str]) -> Iterator[AsUser]:
    """``as_user("viewer")``: the API as that user."""
    with ExitStack() as stack:

        def log_in(name: str) -> Api:
            return stack.enter_context(Api.log_in(panel, name, passwords[name]))

        yield log_in
