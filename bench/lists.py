"""What the list of models costs as it grows, as a page and for a program."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx

from bench.figures import Options, Table, Value, percentile
from bench.stack import SimulatedOllama, run_inside, running_panel, simulated_ollama
from tests.components.panel import PanelProcess
from tests.end_to_end.api import Api

REFERENCE = 1000
PAGE_SIZE = 50
INSTALLED_AT_ONCE = 10_000
SYNC_SECONDS = 1800  # at most
# Requests of one kind at one size: so many at most, and for so many seconds at most.
MOST_REQUESTS, FEWEST_REQUESTS = 60, 12

PATHS = {
    "page: first": "/models/",
    "page: last": "/models/?page={last}",
    "page: search, all fit": "/models/?search=sim",
    "API: first": "/api/v1/models/",
    "API: last": "/api/v1/models/?page={last}",
    "API: search, all fit": "/api/v1/models/?search=sim",
    "API: search, none fits": "/api/v1/models/?search=nothing",
    "API: by size": "/api/v1/models/?ordering=-size",
    "API: one name": "/api/v1/models/?name=sim-00042",
}


@dataclass(frozen=True)
class Site:
    """A panel whose one server has models, and somebody logged in there."""

    panel: PanelProcess
    api: Api
    server: int
    ollama: SimulatedOllama
    browser: httpx.Client

    def path(self, kind: str) -> str:
        """The path of this kind for as many rows as there are now."""
        return PATHS[kind].format(last=-(-self.rows() // PAGE_SIZE))

    def rows(self) -> int:
        """How many models the panel has."""
        return int(self.api.get("models/", page_size=1)["count"])

    def ask(self, kind: str, path: str) -> float:
        """Seconds of one request, its whole answer included."""
        begun = time.perf_counter()
        if kind.startswith("page"):
            answer = self.browser.get(path)
        else:
            answer = self.api.call("GET", path.removeprefix("/api/v1/"))
        seconds = time.perf_counter() - begun
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return seconds

    def grow(self, rows: int) -> float:
        """Install models at the server until there are so many; seconds that their sync took."""
        missing = rows - self.rows()
        numbers = range(1_000_000 + rows - missing, 1_000_000 + rows)
        names = [f"sim-{number}" for number in numbers]
        for start in range(0, len(names), INSTALLED_AT_ONCE):
            self.ollama.order(install=names[start : start + INSTALLED_AT_ONCE])
        begun = time.perf_counter()
        self.api.succeed(
            self.api.post("models/sync/", {"server": self.server}), timeout=SYNC_SECONDS
        )
        seconds = time.perf_counter() - begun
        if self.rows() != rows:
            raise RuntimeError(f"the panel has {self.rows()} models instead of {rows}")
        return seconds


@contextmanager
def new_site(rows: int) -> Iterator[Site]:
    """A panel with so many models."""
    with ExitStack() as stack:
        ollama = stack.enter_context(simulated_ollama("--models", str(rows)))
        panel, api, server = stack.enter_context(running_panel(ollama.url))
        browser = stack.enter_context(log_in(panel))
        site = Site(panel, api, server, ollama, browser)
        api.succeed(api.post("models/sync/", {"server": server}))
        yield site


@contextmanager
def log_in(panel: PanelProcess) -> Iterator[httpx.Client]:
    """A browser without a screen, after the login."""
    with httpx.Client(base_url=panel.url, timeout=60, trust_env=False) as browser:
        form = browser.get("/login/").text
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
        data = {"username": "admin", "password": panel.password, "csrfmiddlewaretoken": token}
        answer = browser.post("/login/?next=/models/", data=data)
        if answer.status_code != httpx.codes.FOUND:
            raise RuntimeError(f"the login answered {answer.status_code}")
        yield browser


def measure(options: Options) -> list[Table]:
    """A list that grows, in turns with one that has 1,000 rows all the time."""
    smallest, *larger = options.rows
    rows: list[dict[str, Value]] = []
    syncs: list[dict[str, Value]] = []
    with new_site(REFERENCE) as reference, new_site(smallest) as site:
        rows += measure_size(site, reference, options)
        before = smallest
        for size in larger:
            seconds = site.grow(size)
            added = size - before
            syncs.append(
                {"rows": size, "new": added, "s": seconds, "new a second": added / seconds}
            )
            rows += measure_size(site, reference, options)
            before = size
    note = f"{PAGE_SIZE} rows a page; “of 1,000” compares the medians of requests made in turns."
    return [
        Table("The list of models", rows, [note]),
        Table("A sync that finds new models", syncs, ["From the request to the end of the task."]),
    ]


def measure_size(site: Site, reference: Site, options: Options) -> list[dict[str, Value]]:
    """Every kind of request at the present size."""
    size = site.rows()
    paths = {kind: (site.path(kind), reference.path(kind)) for kind in PATHS}
    question = {"paths": [own for own, _other in paths.values()], "token": site.api.token}
    counts = run_inside(site.panel, "bench.queries", question)
    rows: list[dict[str, Value]] = []
    for kind, (path, other) in paths.items():
        own, compared = in_turns(site, reference, kind, (path, other), options.pick(4, 1))
        rows.append(
            {
                "rows": size,
                "request": kind,
                "queries": counts[path],
                "p50 ms": percentile(own, 0.5) * 1000,
                "p95 ms": percentile(own, 0.95) * 1000,
                "requests": len(own),
                "of 1,000": percentile(own, 0.5) / percentile(compared, 0.5),
            }
        )
    return rows


def in_turns(
    site: Site, reference: Site, kind: str, paths: tuple[str, str], seconds: int
) -> tuple[list[float], list[float]]:
    """Seconds of requests to each, for about so many seconds in all."""
    own: list[float] = []
    compared: list[float] = []
    site.ask(kind, paths[0])
    reference.ask(kind, paths[1])
    deadline = time.perf_counter() + seconds
    while len(own) < MOST_REQUESTS:
        if time.perf_counter() > deadline and len(own) >= FEWEST_REQUESTS:
            break
        own.append(site.ask(kind, paths[0]))
        compared.append(reference.ask(kind, paths[1]))
    return own, compared
