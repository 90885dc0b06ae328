"""What the bench starts: the panel, the simulated Ollama, programs in the panel's environment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.components.launching import ending_with_us
from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 30


@contextmanager
def new_panel(
    ollama_url: str, *, prepared: bool = False, **settings: str
) -> Iterator[PanelProcess]:
    """A panel in a home of its own, not started yet, that will look for this Ollama."""
    # Short, since the path of a unix socket is.
    with TemporaryDirectory(prefix="octl-") as folder:
        panel = PanelProcess(
            Path(folder) / "h",
            prepared=prepared,
            OLLAMACTL_OLLAMA_URL=ollama_url,
            OLLAMACTL_LANGUAGE="en",
            **settings,
        )
        with panel:
            yield panel


@contextmanager
def running_panel(ollama_url: str, **settings: str) -> Iterator[tuple[PanelProcess, Api, int]]:
    """A ready panel, its administrator, and the id of its server, which is online."""
    with new_panel(ollama_url, prepared=True, **settings) as panel:
        panel.start()
        with Api.log_in(panel) as api:
            wait_until(lambda: api.all("servers/"), "the panel has found its Ollama", START_SECONDS)
            (server,) = api.all("servers/")
            api.wait_for_server(server["id"], timeout=START_SECONDS)
            yield panel, api, server["id"]


class SimulatedOllama:
    """The simulated Ollama in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def order(self, **orders: Any) -> None:
        """Tell it what to offer or to have (see `ollamactl.simulator.control_api`)."""
        httpx.post(
            f"{self.url}/_sim/", json=orders, timeout=300, verify=PLAIN, trust_env=False
        ).raise_for_status()


@contextmanager
def simulated_ollama(*arguments: str) -> Iterator[SimulatedOllama]:
    """Start one with these arguments."""
    with TemporaryDirectory(prefix="octl-") as folder:
        note = Path(folder) / "url"
        command = [sys.executable, "-m", "ollamactl.simulator", "--control", *arguments]
        process = subprocess.Popen(
            ending_with_us([*command, "--ready-file", str(note)]),
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until(note.exists, "the simulated Ollama answers", START_SECONDS)
            yield SimulatedOllama(note.read_text().strip())
        finally:
            process.terminate()
            process.wait(10)


def run_inside(panel: PanelProcess, module: str, question: object) -> Any:
    """The answer of `python -m MODULE` in the panel's environment; both are JSON."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=PROJECT,
        env={**panel.environment, "DJANGO_SETTINGS_MODULE": "ollamactl.settings.base"},
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)
