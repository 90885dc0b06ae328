"""A whole panel, scraped by a token while it pulls."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.metrics.scrape import Scrape

MODEL = "scraped:latest"
PULL = {"queue": "pulls", "type": "model.pull"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """An Ollama that downloads slowly at first."""
    with running_simulator(speed=1_000_000) as running:
        running.control.publish(MODEL, 60_000_000)
        yield running


@pytest.fixture(scope="module")
def panel(simulator: RunningSimulator) -> Iterator[PanelProcess]:
    """A ready panel that lets this machine scrape, too."""
    with TemporaryDirectory(prefix="octl-") as folder:
        settings = {"OLLAMACTL_OLLAMA_URL": simulator.url, "OLLAMACTL_METRICS": "loopback"}
        with PanelProcess(Path(folder) / "h", prepared=True, **settings) as running:
            running.start()
            yield running


def scrape(panel: PanelProcess, token: str) -> Scrape:
    """With a token, as Prometheus does."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(
        f"{panel.url}/metrics", headers=headers, timeout=10, verify=PLAIN, trust_env=False
    )
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text)


def test_a_pull_is_seen_from_its_queue_to_its_end(
    panel: PanelProcess, simulator: RunningSimulator
) -> None:
    with ExitStack() as stack:
        api = stack.enter_context(Api.log_in(panel))
        (server,) = wait_until(lambda: api.all("servers/"), "the panel has found its Ollama", 20)
        api.wait_for_server(server["id"])
        listener = api.listen("tasks")
        stack.callback(listener.close)
        answer = api.post("models/", {"name": MODEL, "server": server["id"]})

        def running() -> Scrape | None:
            found = scrape(panel, api.token)
            # What a process counted in its last seconds is lost when it is killed.
            begun = found.total("ollamactl_task_attempts_total", type="model.pull") == 1
            is_running = found.value("ollamactl_tasks", **PULL, state="running") == 1
            return found if begun and is_running else None

        found = wait_until(running, "the pull runs, and is counted", 20)
        assert found.value("ollamactl_models", status="downloading") == 1
        assert found.value("ollamactl_servers", status="online") == 1
        assert found.value("ollamactl_checks_late") == 0
        assert found.total("ollamactl_sockets") == 1
        names = "ollamactl_process_resident_memory_bytes"
        every = {"web", "worker", "supervisor", "valkey", "guardian"}
        assert found.labels(names, "process") == every
        assert found.total(names, process="worker") > 20e6
        assert found.value("ollamactl_database_bytes", file="main") > 100_000
        sent = found.value("ollamactl_events_sent_total")

        # The worker dies: its lease is lost, its counts are not.
        os.kill(panel.processes()["worker"].pid, signal.SIGKILL)

        def taken_back() -> Scrape | None:
            found = scrape(panel, api.token)
            return found if found.value("ollamactl_leases_lost_total") == 1 else None

        wait_until(taken_back, "the lease was taken back", 40)
        simulator.control.speed(1e9)
        api.succeed(answer)
        listener.next("task.changed")

        def counted() -> Scrape | None:
            found = scrape(panel, api.token)
            ended = found.total("ollamactl_tasks_ended_total", type="model.pull", state="succeeded")
            return found if ended == 1 else None

        found = wait_until(counted, "the end is counted", 20)
        assert found.value("ollamactl_events_sent_total") > sent
        assert found.total("ollamactl_task_attempts_total", type="model.pull") == 2
        assert found.value("ollamactl_tasks", **PULL, state="running") == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"X-Forwarded-For": "203.0.113.9"}, 401),
        ({"X-Real-IP": "203.0.113.9"}, 401),
        ({"Forwarded": "for=203.0.113.9"}, 401),
        ({"Via": "1.1 proxy"}, 401),
    ],
    ids=str,
)
def test_who_asks_through_a_proxy_is_not_this_machine(
    panel: PanelProcess, headers: dict[str, str], status: int
) -> None:
    answer = httpx.get(
        f"{panel.url}/metrics", headers=headers, timeout=10, verify=PLAIN, trust_env=False
    )
    assert answer.status_code == status
