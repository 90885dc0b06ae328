"""What happens in any process of the panel, counted, and how each process is doing.

Each process keeps its counts and adds them to a hash in Valkey every few seconds, so that they are
one number however many processes there are, and go on when one of them is started again. Beside it
each says how it is, under a key that ends with it. A Valkey that is away delays counts; one that
lost its data begins them anew, which readers of counters know how to take.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import redis
from django.conf import settings

logger = logging.getLogger(__name__)

TOTALS = "ollamactl:figures"
PROCESSES = "ollamactl:processes"
EVERY = 2.0  # seconds between two reports
KEPT = 10  # seconds; then a process that says nothing is gone
TIMEOUT = 1.0  # seconds

Field = tuple[str, tuple[str, ...]]
_counts: Tally[Field] = Tally()
_lock = threading.Lock()
_gauges: dict[str, Callable[[], int]] = {}


@dataclass(frozen=True)
class Count:
    """A number that only grows; one for each combination of `labels`."""

    name: str
    text: str
    labels: tuple[str, ...] = ()

    def add(self, number: int = 1, *values: str) -> None:
        """Add to the count with these values of the labels. Cheap, and safe from any thread."""
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {values}")
        with _lock:
            _counts[self.name, values] += number


@dataclass(frozen=True)
class ProcessReport:
    """How one process is: memory in bytes, processor time in seconds since its start."""

    name: str
    host: str
    pid: int
    memory: int
    cpu: float
    threads: int
    files: int
    gauges: dict[str, int]


def add_gauge(name: str, read: Callable[[], int]) -> None:
    """Report `read()` of this process under this name, from now on."""
    _gauges[name] = read


def describe(process: psutil.Process, name: str, gauges: dict[str, int]) -> ProcessReport:
    """A process as it is now; raises `psutil.Error` where it is gone or not ours."""
    with process.oneshot():
        times = process.cpu_times()
        return ProcessReport(
            name=name,
            host=socket.gethostname(),
            pid=process.pid,
            memory=process.memory_info().rss,
            cpu=round(times.user + times.system, 2),
            threads=process.num_threads(),
            files=process.num_fds(),
            gauges=gauges,
        )


class Reporter:
    """Sends this process's counts and its own report, from a daemon thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process = psutil.Process()
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to report."""
        threading.Thread(target=self._run, name="figures", daemon=True).start()

    def stop(self) -> None:
        """Report once more, and then no more."""
        self._stop.set()

    def report(self) -> None:
        """Send once; raises what the Redis client does where Valkey is away."""
        gauges = {name: read() for name, read in list(_gauges.items())}
        about = describe(self._process, self._name, gauges)
        key = f"{about.host}:{about.pid}"
        with client() as valkey:
            pipeline = valkey.pipeline(transaction=False)
            pipeline.sadd(PROCESSES, key)
            pipeline.set(f"{PROCESSES}:{key}", json.dumps(vars(about)), ex=KEPT)
            pipeline.execute()
            send_counts(valkey)

    def _run(self) -> None:
        over = False
        while not over:
            over = self._stop.wait(EVERY)
            try:
                self.report()
            except (redis.RedisError, OSError, psutil.Error) as error:
                logger.debug("No figures could be sent: %s", error)


_reporter: Reporter | None = None


def report_as(name: str) -> Reporter:
    """Let this process report under this name: `web`, `worker`. Once a process."""
    global _reporter  # noqa: PLW0603 - one a process, as the process is one
    _reporter = Reporter(name)
    _reporter.start()
    return _reporter


def report_now() -> None:
    """Bring this process's report up to date before it is read; nothing where it sends none."""
    if _reporter is not None:
        _reporter.report()


def send_counts(valkey: redis.Redis) -> None:
    """Add what was counted here since the last time; what cannot be sent is kept."""
    with _lock:
        sent = dict(_counts)
        _counts.clear()
    if not sent:
        return
    try:
        pipeline = valkey.pipeline(transaction=True)
        for (name, values), number in sent.items():
            pipeline.hincrby(TOTALS, json.dumps([name, *values]), number)
        pipeline.execute()
    except (redis.RedisError, OSError):
        with _lock:
            _counts.update(sent)
        raise


def read_totals(valkey: redis.Redis) -> dict[Field, int]:
    """Every count of all processes."""
    stored: Any = valkey.hgetall(TOTALS)
    totals = {}
    for field, number in stored.items():
        name, *values = json.loads(field)
        totals[str(name), tuple(map(str, values))] = int(number)
    return totals


def read_processes(valkey: redis.Redis) -> list[ProcessReport]:
    """The processes that said in the last seconds how they are; the others are forgotten."""
    keys: list[str] = sorted(key.decode() for key in _answer(valkey.smembers(PROCESSES)))
    if not keys:
        return []
    found = _answer(valkey.mget([f"{PROCESSES}:{key}" for key in keys]))
    if gone := [key for key, text in zip(keys, found, strict=True) if text is None]:
        valkey.srem(PROCESSES, *gone)
    return [ProcessReport(**json.loads(text)) for text in found if text is not None]


@contextmanager
def client() -> Iterator[redis.Redis]:
    """A connection for a moment."""
    valkey = redis.Redis.from_url(
        settings.VALKEY_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )
    try:
        yield valkey
    finally:
        valkey.close()


def _answer(value: Any) -> Any:
    """redis-py's types serve its synchronous and its asynchronous client at once."""
    return value
