"""Which components there are, and where this machine has them."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.components.cache import cache_dir

OLLAMA_VERSION = "0.24.0"
TINY_MODEL_NAME = "gemma3:270m"
INSTALL_HINT = "Run `python -m tests.components install`."


class MissingComponent(Exception):
    """A component is not on this machine. Its text says which, and what to do."""


@dataclass(frozen=True)
class Component:
    """A real program or file that tests need; `locate` raises `MissingComponent`."""

    name: str
    locate: Callable[[], Path]


def ollama_binary() -> Path:
    """The Ollama server: built from its Go module."""
    return _require(cache_dir() / f"ollama-{OLLAMA_VERSION}" / "ollama", "the Ollama server")


def tiny_model_store() -> Path:
    """An ``OLLAMA_MODELS`` folder in which the tiny model is installed."""
    return _require(cache_dir() / "gemma3-270m-q4_k_m" / "store", "the tiny Gemma model")


def registry_binary() -> Path:
    """The container registry that also stores Ollama's models."""
    return _require_command("docker-registry", "registry")


def chromium_binary() -> Path:
    """The browser."""
    return _require_command("chromium", "chromium-browser", "google-chrome")


def postgresql_server() -> Path:
    """PostgreSQL's server; the programs that go with it lie beside it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1] if found else _require_command("postgres").resolve()


def redis_server() -> Path:
    """Redis, the broker that many have already."""
    return _require_command("redis-server")


def gettext_program() -> Path:
    """What collects messages from the sources."""
    return _require_command("xgettext")


OLLAMA = Component("ollama", ollama_binary)
TINY_MODEL = Component("tiny model", tiny_model_store)
REGISTRY = Component("registry", registry_binary)
CHROMIUM = Component("chromium", chromium_binary)
GETTEXT = Component("gettext", gettext_program)
POSTGRESQL = Component("postgresql", postgresql_server)
REDIS = Component("redis", redis_server)
COMPONENTS = (OLLAMA, TINY_MODEL, REGISTRY, CHROMIUM, GETTEXT, POSTGRESQL, REDIS)


def _require(path: Path, what: str) -> Path:
    if not path.exists():
        raise MissingComponent(f"{what} is not installed at {path}. {INSTALL_HINT}")
    return path


def _require_command(*names: str) -> Path:
    for name in names:
        # /usr/sbin is not on every user's path.
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/bin")
        if found:
            return Path(found)
    raise MissingComponent(f"{names[0]} is not installed. {INSTALL_HINT}")
