"""A good server beside very many bad ones: its status stays true, and what they cost is bounded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psutil
import pytest
from django.db import connections
from django.utils import timezone

from models_app.choices import ServerStatus
from models_app.list_turns import list_turns
from models_app.models import OllamaModel, OllamaServer
from models_app.tasks import check, read_lists
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.waiting import wait_until
from tests.models.conftest import row_of

pytestmark = pytest.mark.alone

FRESH = timedelta(seconds=10)
MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def with_valkey(valkey: Any) -> None:
    pass


@contextmanager
def ticking() -> Iterator[None]:
    """A worker's ticks: each second a look and a list, each in a thread of its own."""
    end = threading.Event()
    running: list[threading.Thread] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        finally:
            connections.close_all()

    def tick() -> None:
        while not end.wait(1.0):
            for task in (check, read_lists):
                thread = threading.Thread(target=run, args=(task,), daemon=True)
                thread.start()
                running.append(thread)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        end.set()
        ticker.join(10)
        for thread in running:
            thread.join(30)
        assert not any(thread.is_alive() for thread in running)


@contextmanager
def hanging_server() -> Iterator[str]:
    """Takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=2000) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def add(number: int, url: str) -> None:
    """So many servers at one address, all online until now."""
    OllamaServer.objects.bulk_create(
        OllamaServer(name=f"bad{n}", base_url=f"{url}/{n}", status=ServerStatus.ONLINE)
        for n in range(number)
    )


def test_all_others_hang_at_once(transactional_db: None, simulator: RunningSimulator) -> None:
    good = row_of(simulator)
    process = psutil.Process()
    memory, threads = process.memory_info().rss, process.num_threads()
    most_memory = most_threads = 0
    oldest = timedelta()
    with hanging_server() as url, ticking():
        add(150, url)

        def all_were_looked_at_twice() -> bool:
            nonlocal most_memory, most_threads, oldest
            good.refresh_from_db()
            assert good.status == ServerStatus.ONLINE, (good.reason, str(good.message))
            if good.checked_at:
                oldest = max(oldest, timezone.now() - good.checked_at)
            most_memory = max(most_memory, process.memory_info().rss)
            most_threads = max(most_threads, process.num_threads())
            return not OllamaServer.objects.filter(failures__lt=2).exclude(pk=good.pk).exists()

        wait_until(all_were_looked_at_twice, "all were looked at twice", timeout=60)
    assert oldest < FRESH
    assert most_threads - threads < 40
    assert most_memory - memory < 150 * MEGABYTE
    gone = OllamaServer.objects.exclude(pk=good.pk).values_list("status", "reason")
    assert set(gone) == {("offline", "timeout")}


def test_lists_that_never_end_keep_no_other_waiting(
    transactional_db: None, simulator: RunningSimulator
) -> None:
    good = row_of(simulator)
    with running_simulator() as bad, ticking():
        bad.control.fault(kind="hang", endpoint="/api/tags")
        add(150, bad.url)  # more than may be asked at once
        simulator.control.install("all-minilm")
        wait_until(
            lambda: list_turns.free() == 0 or bool(list_turns.left_out()), "lists are asked for"
        )
        OllamaServer.objects.filter(pk=good.pk).update(tags_seen_at=None)
        wait_until(
            lambda: OllamaModel.objects.filter(server=good).exists(),
            "its list was read",
            timeout=40,
        )
        good.refresh_from_db()
        assert good.status == ServerStatus.ONLINE
        bad.control.clear()
