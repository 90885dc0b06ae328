"""What the tests of the supervisor share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ollamactl.settings.env import Config
from tests.components.waiting import free_port


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short path, since a unix socket's is bounded; it does not exist yet."""
    with TemporaryDirectory(prefix="octl-") as folder:
        yield Path(folder) / "home"


@pytest.fixture
def make_config(home: Path) -> Callable[..., Config]:
    """``make_config(OLLAMACTL_LANGUAGE="en")``: the configuration for `home` and a free port."""

    def make(**settings: str) -> Config:
        environ = {
            "OLLAMACTL_HOME": str(home),
            "OLLAMACTL_BIND": f"127.0.0.1:{free_port()}",
            **settings,
        }
        return Config.from_environ(environ)

    return make
