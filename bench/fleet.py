"""Many servers, and one with many models: how long a sync takes, and what it costs others."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from bench.accounts import PASSWORD
from bench.figures import Options, Table, Value, percentile
from bench.many_ollamas import many_ollamas
from bench.stack import new_panel, run_inside
from bench.start import named_processes
from bench.visitors import log_in
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api

Row = dict[str, Value]

MODELS = 20
SYNC_SECONDS = 240
COUNT = "SELECT count(*) FROM models_app_ollamamodel"
LIVE = "SELECT count(*) FROM tasks_app_task WHERE state IN ('queued', 'running')"
RESTING_LOGINS = 10
LEASE, RENEWED_EVERY = 30.0, 5.0


def measure(options: Options) -> list[Table]:
    """The long list in a panel of its own; then the many, and the long list among them."""
    servers, long_list = options.pick(1000, 30), options.pick(50_000, 1000)
    with many_ollamas() as url:
        with _started_panel() as (panel, api):
            _add_servers(panel, url, 0)
            alone = long_list_row(panel, api, url, long_list, beside=1)
        with _started_panel() as (panel, api):
            syncs = sync_rows(panel, api, url, servers)
            checks = check_row(panel, servers, options.pick(20, 2))
            among = long_list_row(panel, api, url, long_list, beside=servers + 1)
    return [
        Table("Syncs of many servers", syncs, [f"{MODELS} models on each; one worker."]),
        Table("Checks of many servers", [checks], ["Of the worker alone, at rest."]),
        Table(
            "While a long list is written",
            [alone, among],
            [
                "A login is a form sent and the page after it, again and again; at rest is just "
                f"before. A lease is renewed every {RENEWED_EVERY:.0f} s: late is what goes beyond."
            ],
        ),
    ]


@contextmanager
def _started_panel() -> Iterator[tuple[PanelProcess, Api]]:
    """A panel with one server that is not there, and somebody logged in."""
    with ExitStack() as stack:
        panel = stack.enter_context(new_panel("http://127.0.0.1:1"))
        panel.start()
        yield panel, stack.enter_context(Api.log_in(panel))


def sync_rows(panel: PanelProcess, api: Api, url: str, servers: int) -> list[Row]:
    """New servers, from their first check to all of their models; then all again, unchanged."""
    added = _add_servers(panel, url, servers)
    _wait_for_models(panel, servers * MODELS)
    first = time.time() - added["at"]
    begun = time.perf_counter()
    api.succeed(api.post("models/sync/", {}), timeout=SYNC_SECONDS)
    again = time.perf_counter() - begun

    def row(what: str, seconds: float) -> Row:
        return {
            "sync": what,
            "servers": servers,
            "s": seconds,
            "servers a second": servers / seconds,
        }

    return [row("of new servers, checks included", first), row("of all, nothing new", again)]


def _add_servers(panel: PanelProcess, url: str, count: int) -> dict[str, float]:
    question = {"count": count, "url": f"{url}/{MODELS}-"}
    answer: dict[str, float] = run_inside(panel, "bench.more_servers", question)
    return answer


def check_row(panel: PanelProcess, servers: int, seconds: int) -> Row:
    """Processor time a check, and how old the oldest finding becomes."""
    before, begun = _worker_seconds(panel), time.perf_counter()
    ages = []
    while time.perf_counter() - begun < seconds:
        ages.append(_oldest_check(panel))
        Event().wait(0.5)
    used = (_worker_seconds(panel) - before) / (time.perf_counter() - begun)
    return {
        "servers": servers,
        "of a core": f"{used:.1%}",
        "oldest finding s": max(ages),
        "median of the oldest s": percentile(ages, 0.5),
    }


def long_list_row(panel: PanelProcess, api: Api, url: str, models: int, *, beside: int) -> Row:
    """Add one server with so many models; log in all the time, and look at the sync's lease."""
    at_rest = [_login_seconds(panel) for _ in range(RESTING_LOGINS)]
    logins = Repeated(lambda: _login_seconds(panel))
    leases = Repeated(lambda: _lateness(panel))
    with logins.going_on(), leases.going_on():
        begun = time.perf_counter()
        ((there,),) = _ask(panel, COUNT)
        api.post("servers/", {"name": "long list", "base_url": f"{url}/{models}-0"}, status=201)
        _wait_for_models(panel, there + models)
        seconds = time.perf_counter() - begun
    return {
        "models": models,
        "beside servers": beside,
        "sync s": seconds,
        "logins": len(logins.values),
        "login at rest p50 s": percentile(at_rest, 0.5),
        "login p50 s": percentile(logins.values, 0.5),
        "longest login s": max(logins.values),
        "latest heartbeat s": max(leases.values),
    }


@dataclass
class Repeated:
    """Something measured again and again beside something else."""

    measure: Callable[[], float]
    values: list[float] = field(default_factory=list)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Measure in a thread of its own for as long as the block lasts, once at least."""
        end = Event()
        failures: list[Exception] = []

        def repeat() -> None:
            try:
                self.values.append(self.measure())
                while not end.wait(0.1):
                    self.values.append(self.measure())
            except Exception as error:  # raised below, where somebody sees it
                failures.append(error)

        thread = Thread(target=repeat, daemon=True)
        thread.start()
        try:
            yield
        finally:  # else it goes on, in a home that is being removed
            end.set()
            thread.join(60)
        if failures:
            raise failures[0]


def _login_seconds(panel: PanelProcess) -> float:
    begun = time.perf_counter()
    with log_in(panel, "visitor", PASSWORD):
        return time.perf_counter() - begun


def _lateness(panel: PanelProcess) -> float:
    """How much longer ago than usual the running task whose lease is the oldest was renewed."""
    query = "SELECT min(lease_until) FROM tasks_app_task WHERE state = 'running'"
    ((lease,),) = _ask(panel, query)
    if lease is None:
        return 0.0
    left = (datetime.fromisoformat(lease).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, LEASE - RENEWED_EVERY - left)


def _oldest_check(panel: PanelProcess) -> float:
    ((checked,),) = _ask(panel, "SELECT min(checked_at) FROM models_app_ollamaserver")
    if checked is None:
        return 0.0
    found = datetime.fromisoformat(checked).replace(tzinfo=UTC)
    return (datetime.now(UTC) - found).total_seconds()


def _wait_for_models(panel: PanelProcess, count: int) -> None:
    """Until there are so many, and nothing is under way."""

    def there() -> bool:
        Event().wait(0.1)
        return _ask(panel, COUNT) == [(count,)] and _ask(panel, LIVE) == [(0,)]

    wait_until(there, f"{count} models are there", SYNC_SECONDS)


def _ask(panel: PanelProcess, query: str) -> list[tuple[Any]]:
    """From outside, so that asking costs the panel nothing."""
    path = panel.home / "ollamactl.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
        return database.execute(query).fetchall()


def _worker_seconds(panel: PanelProcess) -> float:
    used = 0.0
    for process, name in named_processes(panel).items():
        if name.startswith("worker"):
            times = process.cpu_times()
            used += times.user + times.system
    return used
