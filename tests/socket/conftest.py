"""A real web process and a real Valkey under the tests of the socket.

Both live as long as the test process; the database is the test's own, which the web process opens
as production does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.components.reporting import TEST_FAILED
from tests.components.waiting import free_port, wait_until
from tests.helpers.database import database_url
from tests.helpers.valkey import ValkeyProcess
from tests.socket.client import Listener, connect
from tests.socket.live_page import LivePage

ROOT = Path(__file__).resolve().parents[2]
NewUser = Callable[..., User]
Open = Callable[..., Listener]


class WebProcess:
    """A web process over the test's database, which says where it stood when a test fails."""

    def __init__(self, valkey_url: str, log: Path, *arguments: str) -> None:
        self.arguments = arguments
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ollamactl.settings.base",
            "OLLAMACTL_DATABASE_URL": database_url(),
            "OLLAMACTL_VALKEY_URL": valkey_url,
            "OLLAMACTL_SECRET_KEY": django_settings.SECRET_KEY,
            "PYTHONFAULTHANDLER": "1",
        }

    def start(self) -> None:
        """Start it, or start it again where it has ended."""
        if self.process is not None and self.process.poll() is None:
            return
        command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", *self.arguments]
        with self.log.open("ab") as output:
            self.process = process = subprocess.Popen(
                [*command, "-p", str(self.port), "ollamactl.asgi:application"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

        def listens() -> bool:
            assert process.poll() is None, self.log.read_text()
            return _listens(self.port)

        wait_until(listens, "the web process listens", timeout=60)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it; SIGABRT has it write down what all of its threads were doing."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def show(self) -> None:
        """Hand what it has written to the report."""
        sys.stderr.write(self.log.read_text())
        self.log.unlink()


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def session_panel(
    django_db_setup: None,
    session_valkey: ValkeyProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WebProcess]:
    """The web process behind `panel`."""
    panel = WebProcess(session_valkey.url, tmp_path_factory.mktemp("panel") / "web.log")
    yield panel
    panel.stop()


@pytest.fixture
def panel(
    session_panel: WebProcess,
    valkey: ValkeyProcess,
    transactional_db: None,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """`host:port` of a running panel over the test's database; another one after a failure."""
    session_panel.start()
    yield session_panel.address
    if request.node.stash.get(TEST_FAILED, False):
        session_panel.stop(signal.SIGABRT)
        session_panel.show()


@pytest.fixture
def new_user(transactional_db: None) -> NewUser:
    """``new_user("name", role="viewer")`` makes a user; role None has no permissions at all."""

    def make(name: str = "vera", *, role: str | None = "viewer") -> User:
        user = User.objects.create_user(name, password="secret")
        if role:
            user.groups.add(Group.objects.get(name=role))
        return user

    return make


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """``browser_of(user)`` is a browser in which the user has logged in."""

    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return log_in


@pytest.fixture
def open_socket(panel: str) -> Iterator[Open]:
    """``open_socket(client, origin=…)`` connects; all are closed with the test."""
    opened: list[Listener] = []

    def open_one(
        client: Client | None = None, *, origin: str | None = "own", language: str = "en"
    ) -> Listener:
        cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value if client else None
        own = f"http://{panel}" if origin == "own" else origin
        opened.append(connect(panel, session=cookie, origin=own, language=language))
        return opened[-1]

    yield open_one
    for listener in opened:
        listener.close()


@pytest.fixture
def user(new_user: NewUser) -> User:
    """Who is at the small page."""
    return new_user()


@pytest.fixture
def live(
    panel: str, new_context: Any, user: User, browser_of: Callable[[User], Client]
) -> Iterator[LivePage]:
    """A small page in a real browser, which may raise no error."""
    live = LivePage(new_context(), panel)
    live.log_in(browser_of(user))
    yield live
    assert live.complaints == []
