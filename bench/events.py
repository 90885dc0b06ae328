"""From a line that Ollama says to the number that somebody sees."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass

import httpx

from bench.browser import open_page
from bench.figures import Options, Table, Value, median, percentile
from bench.listeners import Heard, listen
from bench.paced_ollama import LONGEST, SHORTEST, PacedOllama
from bench.stack import run_inside, running_panel
from bench.start import memory_of
from tests.components.inventory import MissingComponent
from tests.components.panel import PanelProcess
from tests.end_to_end.api import Api

Row = dict[str, Value]

PULLS = 3
SOCKETS_A_USER = 20
# Each value that the script writes into a bar, with the time at which the page had it.
WATCH_BARS = """
window.seen = [];
new MutationObserver((changes) => {
  const now = performance.timeOrigin + performance.now();
  for (const { target } of changes)
    if (target.matches('[data-field="bar"]') && target.hasAttribute("value"))
      window.seen.push([Number(target.getAttribute("value")), now / 1000]);
}).observe(document.documentElement, { subtree: true, attributeFilter: ["value"] });
"""


def measure(options: Options) -> list[Table]:
    """One socket and one page, then many sockets; beside them a direct reader of a stream."""
    rate = PULLS / ((SHORTEST + LONGEST) / 2)
    many, crowd = options.pick(1000, 50), options.pick(50, 10)
    notes = [
        f"{PULLS} pulls at once, each a line every {SHORTEST}–{LONGEST} s: about {rate:.0f} events "
        "a second. Faster lines are gathered by design: 4 events a second for a task at most, and "
        "of what comes faster than it can be handed out only the newest number of each task."
    ]
    with ExitStack() as stack:
        ollama = stack.enter_context(PacedOllama(options.pick(70, 10)))
        panel, api, server = stack.enter_context(running_panel(ollama.url))
        limits = {"limits": {"max_downloads": crowd}}
        api.call("PATCH", f"servers/{server}/", json=limits).raise_for_status()
        tokens: list[str] = run_inside(panel, "bench.accounts", -(-many // SOCKETS_A_USER))
        work = Work(ollama, api, server, PULLS)
        rows = with_one_socket(work, panel, notes)
        rows += with_many_sockets(work, panel, tokens, many, notes)
        rows += with_many_sockets(Work(ollama, api, server, crowd), panel, tokens, many, notes)
    return [Table("From Ollama's line to who watches", rows, notes)]


@dataclass(frozen=True)
class Work:
    """The pulls that are watched."""

    ollama: PacedOllama
    api: Api
    server: int
    pulls: int

    def run(self, prefix: str) -> list[float]:
        """Pull, with a direct pull beside; returns the seconds by which its reader was behind."""
        self.ollama.said.clear()
        names = [f"{prefix}-{number}" for number in range(self.pulls)]
        aside = f"{prefix}-direct"
        for name in (*names, aside):
            self.ollama.publish(name)
        accepted = [
            self.api.post("models/", {"name": name, "server": self.server}) for name in names
        ]
        heard = read_directly(self.ollama.url, aside)
        self.ollama.wait_for_ends(self.pulls + 1)
        for answer in accepted:
            self.api.succeed(answer)
        return list(self.delays(heard).values())

    def delays(self, heard: Heard) -> dict[int, float]:
        """Seconds from the line to its first sight, for each line that counts and was seen."""
        found: dict[int, float] = {}
        for done, moment in heard:
            if done in self.ollama.said and done not in found:
                found[done] = moment - self.ollama.said[done]
        return found


def with_one_socket(work: Work, panel: PanelProcess, notes: list[str]) -> list[Row]:
    """A program's socket, and the models page in Chromium where that is there."""
    with ExitStack() as stack:
        page = None
        try:
            page = stack.enter_context(open_page(panel, "models/"))
            page.evaluate(WATCH_BARS)
        except MissingComponent as error:
            notes.append(f"Not measured in a page: {error}")
        end = stack.enter_context(listen(panel.url, [work.api.token], 1))
        direct = work.run("one")
        (heard,) = end()
        socket = list(work.delays(heard).values())
        rows = [row_of("a direct reader of the stream", work.ollama.lines, direct, direct)]
        rows.append(row_of("1 socket", work.ollama.lines * PULLS, socket, direct))
        if page is not None:
            seen = list(work.delays(page.evaluate("window.seen")).values())
            rows.append(row_of("the page in Chromium", work.ollama.lines * PULLS, seen, direct))
    return rows


def with_many_sockets(
    work: Work, panel: PanelProcess, tokens: list[str], many: int, notes: list[str]
) -> list[Row]:
    """Many programs that all hear all, on the same machine."""
    web = panel.processes()["web"]
    before = memory_of(web)
    with listen(panel.url, tokens, many) as end:
        each = (memory_of(web) - before) / many / 1000
        direct = work.run(f"many{work.pulls}")
        heard = [work.delays(one) for one in end()]
    notes.append(f"{many:,} sockets took {each:.0f} kB of the web process each when they opened.")
    every = [delay for one in heard for delay in one.values()]
    expected = work.ollama.lines * work.pulls
    last = [max(one[line] for one in heard if line in one) for line in set().union(*heard)]
    pulls = f"{work.pulls} pulls"
    return [
        row_of(f"a direct reader, {pulls}", work.ollama.lines, direct, direct),
        row_of(f"{many:,} sockets, {pulls}", expected * many, every, direct),
        row_of(f"the last of {many:,} sockets, {pulls}", expected, last, direct),
    ]


def row_of(who: str, expected: int, delays: list[float], direct: list[float]) -> Row:
    """The delays in ms; `of direct` compares the medians."""
    return {
        "who": who,
        "lines": expected,
        "seen": len(delays),
        "p50 ms": median(delays) * 1000,
        "p99 ms": percentile(delays, 0.99) * 1000,
        "of direct": median(delays) / median(direct),
    }


def read_directly(url: str, name: str) -> Heard:
    """What somebody without a panel sees of a pull."""
    heard: Heard = []
    body = {"model": name}
    with httpx.stream("POST", f"{url}/api/pull", json=body, timeout=60, trust_env=False) as answer:
        for line in answer.iter_lines():
            now = time.time()
            heard.append((json.loads(line).get("completed", 0), now))
    return heard
