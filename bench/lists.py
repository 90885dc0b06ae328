"""What the list of models costs as it grows, as a page and for a program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.figures import Options, Table, Value, percentile
from bench.many_ollamas import many_ollamas
from bench.stack import new_panel, run_inside
from bench.visitors import Asker, log_in
from tests.components.panel import PanelProcess
from tests.end_to_end.api import Api

Row = dict[str, Value]

REFERENCE = 1000
TASKS = 5000
PAGE_SIZE = 50
# Requests of one kind at one size: so many at most, and for about so many seconds at most.
MOST_REQUESTS, FEWEST_REQUESTS = 60, 30

# Asked at every size, as a page and by a program.
MAIN = {
    "first page": "",
    "last page": "page={last}",
    "search, all fit": "search=sim",
    "search, none fits": "search=nothing",
    "search, misspelt": "search=smi-000042",
    "status": "status=stopped",
    "by status": "ordering=status",
    "by size, downwards": "ordering=-size",
}
# Asked of the longest list alone: each filter, where it finds much and where it finds little.
FILTERS = (
    "name=sim-000042:7b", "status=unavailable", "status=error", "status=running,error",
    "status=downloading", "from=library", "from=huggingface,registry", "server=1", "server=1,2",
    "min_size=20GB", "min_size=100TB", "max_size=2GB", "created_after=2030-01-01T00:00:00Z",
    "created_before=2030-01-01T00:00:00Z", "loaded=true", "loaded=false", "outdated=true",
    "outdated=false", "pinned=true", "pinned=false",
)  # fmt: skip
ORDERS = ("name", "size", "created_at", "status", "last_used_at")


@dataclass(frozen=True)
class Site:
    """A panel that has models, and somebody logged in there."""

    panel: PanelProcess
    api: Api
    asker: Asker
    url: str
    """Of the servers that say little."""

    def rows(self) -> int:
        """How many models the panel has."""
        return int(self.api.get("models/", page_size=1)["count"])

    def path(self, kind: str, query: str) -> str:
        """The path for as many rows as there are now."""
        base = "/models/" if kind == "page" else "/api/v1/models/"
        return f"{base}?{query.format(last=-(-self.rows() // PAGE_SIZE))}"

    def fill(self, rows: int) -> None:
        """Write rows until there are so many."""
        question = {"models": rows, "tasks": TASKS, "url": self.url}
        made = run_inside(self.panel, "bench.filling", question)
        if made["models"] != rows:
            raise RuntimeError(f"the panel has {made} instead of {rows} models")


@contextmanager
def new_site(rows: int, url: str) -> Iterator[Site]:
    """A panel with so many models."""
    with new_panel(url) as panel:
        panel.start()
        with (
            Api.log_in(panel) as api,
            log_in(panel, "admin", panel.password) as browser,
            Asker.of(browser, api.token) as asker,
        ):
            site = Site(panel, api, asker, url)
            site.fill(rows)
            yield site


def measure(options: Options) -> list[Table]:
    """A list that grows, in turns with one that has 1,000 rows all the time."""
    smallest, *larger = options.rows
    rows: list[Row] = []
    with ExitStack() as stack:
        url = stack.enter_context(many_ollamas())
        reference = stack.enter_context(new_site(REFERENCE, url))
        site = stack.enter_context(new_site(smallest, url))
        pair = Pair(site, reference, options.pick(2, 0) / 2)
        for size in (smallest, *larger):
            site.fill(size)
            for kind in ("page", "API"):
                rows += [pair.row(kind, name, query) for name, query in MAIN.items()]
        queries = FILTERS[:3] if options.quick else FILTERS
        orders = [f"ordering={sign}{name}" for name in ORDERS for sign in ("", "-")]
        each = [pair.row("API", text, text) for text in (*queries, *orders)]
    note = (
        f"{PAGE_SIZE} rows a page. “of 1,000” compares the p95 with that of a list of 1,000 rows "
        "in a panel of its own, asked in turns."
    )
    size = options.rows[-1]
    return [
        Table("The list of models", rows, [note]),
        Table(f"Each filter and order by a program, {size:,} models", each, [note]),
    ]


@dataclass(frozen=True)
class Pair:
    """The list that grows beside the one that does not; `seconds` for each kind of request."""

    site: Site
    reference: Site
    seconds: float

    def row(self, kind: str, name: str, query: str) -> Row:
        """One kind of request at the present size."""
        path, other = self.site.path(kind, query), self.reference.path(kind, query)
        own, compared = self._in_turns(path, other)
        return {
            "rows": self.site.rows(),
            "request": f"{kind}: {name}",
            "p50 ms": percentile(own, 0.5) * 1000,
            "p95 ms": percentile(own, 0.95) * 1000,
            "p95 of 1,000 rows ms": percentile(compared, 0.95) * 1000,
            "of 1,000": percentile(own, 0.95) / percentile(compared, 0.95),
        }

    def _in_turns(self, path: str, other: str) -> tuple[list[float], list[float]]:
        own: list[float] = []
        compared: list[float] = []
        self.site.asker.seconds(path)
        self.reference.asker.seconds(other)
        deadline = time.perf_counter() + self.seconds
        while len(own) < MOST_REQUESTS:
            if time.perf_counter() > deadline and len(own) >= FEWEST_REQUESTS:
                break
            own.append(self.site.asker.seconds(path))
            compared.append(self.reference.asker.seconds(other))
        return own, compared
