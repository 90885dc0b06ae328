"""A panel to talk to, and ways to run the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ollamactl.cli import main
from ollamactl.cli.remote import config, follow
from tests.cli.fake_panel import FakePanel

TOKEN = "the-token"
Run = Callable[..., Result]


@pytest.fixture
def panel() -> Iterator[FakePanel]:
    """A panel with one server and no models."""
    fake = FakePanel()
    fake.rows("servers/", [{"id": 1, "name": "Local", "base_url": "http://127.0.0.1:11434"}])
    fake.rows("models/", [])
    yield fake
    fake.stop()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment of a person who has not logged in, in English."""
    own = {"PATH", "HOME", "VIRTUAL_ENV", "PYTHONPATH"}
    plain = {name: value for name, value in os.environ.items() if name in own}
    return {
        **plain,
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "OLLAMACTL_LANGUAGE": "en",
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "COLUMNS": "100",
    }


@pytest.fixture
def stranger(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process as somebody who has not logged in."""
    for name in ("OLLAMACTL_URL", "OLLAMACTL_TOKEN", "OLLAMACTL_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", environment["XDG_CONFIG_HOME"])
    monkeypatch.setattr(follow, "POLL_S", 0.02)

    def run(*words: str, input: str = "") -> Result:
        return CliRunner().invoke(main, list(words), input=input, catch_exceptions=False)

    return run


@pytest.fixture
def user(stranger: Run, environment: dict[str, str], panel: FakePanel) -> Run:
    """Run the command in this process as somebody who is logged in at the panel."""
    log_in(environment, panel)
    return stranger


def log_in(environment: dict[str, str], panel: FakePanel) -> Path:
    """Store a login as `ollamactl login` does."""
    path = config.config_file(environment)
    config.save_login(path, config.Login(url=panel.url, token=TOKEN, user="ada"))
    return path


def spawn(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """The command as a process of its own, without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "ollamactl", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
