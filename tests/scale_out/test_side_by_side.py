"""Two web processes and three workers on one PostgreSQL and one Redis."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from ollamactl.settings.databases import POOL_SIZE
from ollamactl.simulator import downloads
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api, Json
from tests.scale_out.conftest import DATABASE, Cluster, Part
from tests.socket.client import Listener

pytestmark = pytest.mark.alone

MB = 1_000_000
MANY = 48
STREAMS = 200
# Seconds for 200 streams at once on one small machine.
PATIENCE = 240
CONNECTIONS = """
    SELECT application_name, count(*) FROM pg_stat_activity
    WHERE datname = %s AND application_name ~ '^(web|worker)-' GROUP BY 1
"""
OWNERS = "SELECT DISTINCT owner FROM tasks_app_task WHERE owner <> ''"


class Watch:
    """What the database saw while a block ran: connections at most by part, owners of tasks."""

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        self.owners: set[str] = set()

    def look(self, connection: psycopg.Connection) -> None:
        for name, count in connection.execute(CONNECTIONS, [DATABASE]):
            self.connections[name] = max(self.connections[name], count)
        self.owners |= {owner for (owner,) in connection.execute(OWNERS)}


@contextmanager
def watched(cluster: Cluster) -> Iterator[Watch]:
    """Look at the database's own figures every 20 ms."""
    watch, end = Watch(), threading.Event()

    def run() -> None:
        with cluster.database.connect(DATABASE) as connection:
            while not end.wait(0.02):
                watch.look(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield watch
    finally:
        end.set()
        thread.join()


@pytest.fixture(scope="module")
def webs(cluster: Cluster) -> list[Part]:
    return cluster.start_webs(2)


@pytest.fixture(scope="module")
def workers(cluster: Cluster) -> list[Part]:
    return cluster.start_workers(3)


@pytest.fixture(scope="module")
def apis(cluster: Cluster, webs: list[Part], workers: list[Part]) -> list[Api]:
    return [cluster.api(web) for web in webs]


@pytest.fixture(scope="module")
def server(apis: list[Api]) -> int:
    """The simulator, which the workers have found, with room for all pulls at once."""
    (found,) = wait_until(lambda: apis[0].all("servers/"), "the workers have found the server", 30)
    apis[0].wait_for_server(found["id"])
    answer = apis[0].call(
        "PATCH", f"servers/{found['id']}/", json={"limits": {"max_downloads": STREAMS}}
    )
    assert answer.status_code == 200, answer.text
    return int(found["id"])


def pull(apis: list[Api], server: int, names: list[str]) -> list[int]:
    """Ask for the models, by the web processes in turn and a few at a time; returns the tasks."""

    def ask(number: int) -> int:
        api = apis[number % len(apis)]
        body: Json = {"name": names[number], "server": server}
        return int(api.post("models/", body)["task"]["id"])

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(ask, range(len(names))))


def published(cluster: Cluster, prefix: str, count: int, size: int) -> list[str]:
    names = [f"{prefix}{number}" for number in range(count)]
    for name in names:
        cluster.simulator.control.publish(name, size)
    return names


class Hearer:
    """Goes on reading a socket, and keeps the end of each task that it hears of."""

    def __init__(self, listener: Listener) -> None:
        self.ends: dict[int, str] = {}
        self._listener = listener
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                message = self._listener.next("task.changed", timeout=600)
                if message["data"]["state"] in ("succeeded", "failed", "cancelled"):
                    number = int(message["subject"].removeprefix("task:"))
                    self.ends[number] = message["data"]["state"]

    def has_all(self, tasks: list[int]) -> bool:
        return self.ends.keys() >= set(tasks)

    def close(self) -> None:
        self._listener.close()
        self._thread.join()


def count(cluster: Cluster, tasks: list[int], state: str) -> int:
    """By the rows: the panel has enough to do."""
    with cluster.database.connect(DATABASE) as connection:
        row = connection.execute(
            "SELECT count(*) FROM tasks_app_task WHERE id = ANY(%s) AND state = %s", [tasks, state]
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_each_pull_is_made_once_and_every_web_process_tells_of_it(
    cluster: Cluster, apis: list[Api], server: int
) -> None:
    names = published(cluster, "shared", MANY, 20 * MB)
    hearers = [Hearer(api.listen("tasks")) for api in apis]
    with watched(cluster) as watch:
        tasks = pull(apis, server, names)
        for hearer in hearers:
            wait_until(partial(hearer.has_all, tasks), "all ends are heard", 120)
            hearer.close()
            assert {hearer.ends[task] for task in tasks} == {"succeeded"}
    for name in names:
        counts = cluster.simulator.control.pulls(f"{name}:latest")
        assert (counts["started"], counts["succeeded"]) == (1, 1), (name, counts)
    rows = [apis[0].get(f"tasks/{task}/") for task in tasks]
    assert {row["attempt"] for row in rows} == {1}
    assert len(watch.owners) == 3, watch.owners
    assert max(watch.connections.values()) <= POOL_SIZE, watch.connections


@pytest.mark.timeout(3 * PATIENCE)
def test_two_hundred_pulls_of_one_worker_need_few_connections(
    cluster: Cluster,
    apis: list[Api],
    server: int,
    workers: list[Part],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 200 lines a second instead of 3,200, which say the same: connections are counted here.
    monkeypatch.setattr(downloads, "LINE_INTERVAL", 1.0)
    for worker in workers[1:]:
        worker.end()
    names = published(cluster, "many", STREAMS, MB)
    cluster.simulator.control.speed(0)  # a standstill, until all of them flow
    with watched(cluster) as watch:
        tasks = pull(apis, server, names)
        wait_until(
            lambda: count(cluster, tasks, "running") == STREAMS,
            "the pulls are under way",
            PATIENCE,
        )
        cluster.simulator.control.speed(1e9)
        wait_until(
            lambda: count(cluster, tasks, "succeeded") == STREAMS, "all have succeeded", PATIENCE
        )
    assert max(watch.connections.values()) <= POOL_SIZE, watch.connections


def is_ready(api: Api) -> bool:
    return api.call("GET", "../../readyz").status_code == 200


def test_a_database_that_was_started_again_is_used_again(
    cluster: Cluster, apis: list[Api], server: int
) -> None:
    (name,) = published(cluster, "after-restart", 1, MB)
    cluster.database.stop("fast")
    answer = apis[0].call("GET", "../../readyz")
    assert answer.status_code == 503
    cluster.database.start()
    for api in apis:
        wait_until(partial(is_ready, api), "the panel is ready", 60)
    (task,) = pull(apis, server, [name])
    assert apis[1].wait_for_task(task)["state"] == "succeeded"
