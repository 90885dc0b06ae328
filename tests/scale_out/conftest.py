"""A panel whose processes start alone, on a PostgreSQL and a Redis that run elsewhere."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import httpx
import pytest

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.launching import ending_with_us
from tests.components.loopback import PLAIN
from tests.components.panel import COVERAGE, PanelProcess, clean_environment
from tests.components.postgresql import PostgresqlProcess
from tests.components.waiting import free_port, wait_until
from tests.end_to_end.api import Api
from tests.helpers.valkey import ValkeyProcess

DATABASE = "panel"


@dataclass
class Part:
    """One process of the panel. `port` is 0 for a worker."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where a web process answers."""
        return f"http://127.0.0.1:{self.port}"

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for that."""
        self.process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.process.kill()
        self.process.wait()


class Cluster:
    """The parts of one panel over a shared home folder."""

    def __init__(
        self,
        home: Path,
        database: PostgresqlProcess,
        broker: ValkeyProcess,
        simulator: RunningSimulator,
    ) -> None:
        self.home = home
        self.database = database
        self.broker = broker
        self.simulator = simulator
        self.parts: list[Part] = []
        self._numbers = itertools.count(1)
        self._token = ""

    def environment(self, name: str) -> dict[str, str]:
        """The settings of one part, which the database knows by its name.

        It does not count for the coverage: 200 pulls at once take all that the machine has.
        """
        settings = clean_environment(
            self.home,
            OLLAMACTL_LANGUAGE="en",
            OLLAMACTL_DATABASE_URL=self.database.url(DATABASE, application_name=name),
            OLLAMACTL_VALKEY_URL=self.broker.url,
            OLLAMACTL_OLLAMA_URL=self.simulator.url,
            OLLAMACTL_INSECURE_REGISTRIES=self.simulator.registry_url.removeprefix("http://"),
        )
        settings.pop(COVERAGE, None)
        return settings

    def prepare(self) -> str:
        """`ollamactl prepare`; returns what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "ollamactl", "prepare"],
            env=self.environment("prepare"),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_web(self) -> Part:
        """One more web process."""
        (part,) = self.start_webs(1)
        return part

    def start_webs(self, count: int) -> list[Part]:
        """So many more, which start at the same time."""
        ports = [free_port() for _ in range(count)]
        parts = [self._start("web", port, "--bind", f"127.0.0.1:{port}") for port in ports]
        for part in parts:
            wait_until(partial(_listens, part), "the web process answers", 60)
        return parts

    def start_worker(self) -> Part:
        """One more worker."""
        (part,) = self.start_workers(1)
        return part

    def start_workers(self, count: int) -> list[Part]:
        """So many more, which start at the same time."""
        parts = [self._start("worker", 0) for _ in range(count)]
        for part in parts:
            wait_until(partial(_is_ready, part), "the worker is ready", 60)
        return parts

    def start_host_worker(self, server: str, models: Path) -> Part:
        """The worker on the host of a server: with a home of its own, as on another machine."""
        own = {"OLLAMACTL_HOME": str(models.with_name("own-home")), "OLLAMA_MODELS": str(models)}
        return self._start("worker", 0, "--host-of", server, **own)

    def api(self, web: Part) -> Api:
        """The administrator's API by one of the web processes."""
        panel = cast("PanelProcess", _Address(web.url, self.home))
        if not self._token:
            with Api.log_in(panel) as api:
                self._token = api.token
        return Api(panel, self._token)

    def end(self) -> None:
        """End every part."""
        for part in self.parts:
            part.end()

    def _start(self, verb: str, port: int, *arguments: str, **own: str) -> Part:
        name = f"{verb}-{next(self._numbers)}"
        log = self.home.with_name(f"{name}.log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                ending_with_us([sys.executable, "-m", "ollamactl", verb, *arguments]),
                env={**self.environment(name), **own},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.parts.append(Part(name, port, log, process))
        return self.parts[-1]


def _listens(part: Part) -> bool:
    assert part.process.poll() is None, part.log.read_text()
    with suppress(httpx.TransportError):
        return httpx.get(f"{part.url}/healthz", verify=PLAIN, trust_env=False).is_success
    return False


def _is_ready(part: Part) -> bool:
    assert part.process.poll() is None, part.log.read_text()
    return "ready." in part.log.read_text(errors="replace")


class _Address:
    """What `Api` needs to know of a panel."""

    def __init__(self, url: str, home: Path) -> None:
        self.url = url
        self.password = (home / "initial-password").read_text().strip()


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresqlProcess]:
    """A PostgreSQL with an empty database for the panel."""
    with PostgresqlProcess() as server:
        server.new_database(DATABASE)
        yield server


@pytest.fixture(scope="module")
def broker() -> Iterator[ValkeyProcess]:
    """A Redis with a password."""
    with ValkeyProcess(f"redis://:scale%20out@127.0.0.1:{free_port()}/1") as server:
        yield server


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """The Ollama server that the panel finds."""
    with running_simulator(speed=50e6) as running:
        yield running


@pytest.fixture(scope="module")
def cluster(
    database: PostgresqlProcess, broker: ValkeyProcess, simulator: RunningSimulator
) -> Iterator[Cluster]:
    """A prepared panel of which nothing runs yet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="octl-")))
        panel = Cluster(folder / "home", database, broker, simulator)
        stack.callback(panel.end)
        assert "Made the user admin." in panel.prepare()
        assert panel.prepare() == ""
        yield panel
