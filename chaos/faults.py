"""What is done to a panel in the middle of its pulls. Each fault is over when its call returns."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import redis

from chaos.stage import READY_SECONDS, Stage
from tests.components.waiting import wait_until

OUTAGE = 5.0
LOCKED = 10.0
Fault = Callable[[Stage], None]


def worker(stage: Stage) -> None:
    """kill -9 of the worker."""
    stage.kill("worker")


def web(stage: Stage) -> None:
    """kill -9 of the web server."""
    stage.kill("web")


def valkey(stage: Stage) -> None:
    """kill -9 of Valkey."""
    stage.kill("valkey")


def children(stage: Stage) -> None:
    """kill -9 of Valkey, the web server and the worker in the same moment."""
    stage.kill("valkey", "web", "worker")


def supervisor(stage: Stage) -> None:
    """kill -9 of the supervisor, which is then started again."""
    stage.kill_supervisor()


def flush(stage: Stage) -> None:
    """FLUSHALL in Valkey: every message is gone."""
    with closing(redis.Redis(unix_socket_path=stage.valkey_socket)) as client:
        client.flushall()


def ollama(stage: Stage) -> None:
    """kill -9 of Ollama, which is away for some seconds."""
    stage.upstream.kill()
    time.sleep(OUTAGE)
    stage.upstream.start()


def registry(stage: Stage) -> None:
    """kill -9 of the registry in the middle of its downloads; it is away for some seconds."""
    stage.upstream.kill_registry()
    time.sleep(OUTAGE)
    stage.upstream.start_registry()


def machine(stage: Stage) -> None:
    """Everything stops at once, Ollama and the registry too, and is started again."""
    stage.stop_machine()


def log(stage: Stage) -> None:
    """The log file and the logs of all tasks are deleted; the panel writes them anew."""
    file = stage.panel.home / "logs" / "ollamactl.log"
    file.unlink()
    shutil.rmtree(stage.panel.home / "task-logs")
    stage.kill("web")  # something to write about
    wait_until(
        lambda: file.exists() and "web ended" in file.read_text(), "the log is written again", 30
    )


def locked(stage: Stage) -> None:
    """Another program holds the database's write lock for 10 s."""
    path = stage.panel.home / "ollamactl.sqlite3"
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(LOCKED)
        connection.execute("ROLLBACK")


KILLS: tuple[Fault, ...] = (worker, web, valkey, supervisor, flush, ollama, registry)


def several(stage: Stage) -> None:
    """Eight of all kills at random, at random moments.

    None comes more than twice: a task whose worker is lost three times in a row is given up.
    """
    for fault in stage.random.sample([*KILLS, *KILLS], 8):
        pause = stage.random.uniform(0.2, 4.0)
        stage.notes.append(f"{fault.__name__}, {pause:.1f} s")
        fault(stage)
        time.sleep(pause)
    wait_until(stage.panel.is_ready, "the panel is ready again", READY_SECONDS)
