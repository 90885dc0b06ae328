"""From a line that Ollama says to the number that somebody sees."""

from __future__ import annotations

import json
import time
from array import array
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import psutil

from bench.browser import open_page
from bench.figures import Options, Table, Value, median, percentile
from bench.listeners import Answer, Heard, listen
from bench.paced_ollama import LONGEST, SHORTEST, PacedOllama
from bench.stack import run_inside, running_panel
from bench.start import memory_of
from tests.components.inventory import MissingComponent
from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.end_to_end.api import Api

Row = dict[str, Value]

PULLS = 3
SOCKETS_A_USER = 20
BUSY_LISTENERS = 0.7  # of a core
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
        "of what comes faster than it can be handed out only the newest number of each task. The "
        "delay of a line is the time until it, or a newer one of its pull, was there."
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
        """Seconds from each line that counts until it, or a newer one of its pull, was there.

        A line that was left out for a newer one counts like any other: what is shown is as old.
        """
        found: dict[int, float] = {}
        for done, moment in heard:
            for line in self.ollama.lines_up_to(done):
                if line in found or line not in self.ollama.said:
                    break
                found[line] = moment - self.ollama.said[line]
        return found

    def seen(self, heard: Heard) -> int:
        """How many of the lines that count were there themselves."""
        return len({done for done, _moment in heard}.intersection(self.ollama.said))


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
        (heard,) = end().heard()
        lines = work.ollama.lines
        rows = [row_of("a direct reader of the stream", lines, lines, direct, direct)]
        rows.append(seen_row("1 socket", work, heard, direct))
        if page is not None:
            rows.append(
                seen_row("the page in Chromium", work, page.evaluate("window.seen"), direct)
            )
    return rows


def with_many_sockets(
    work: Work, panel: PanelProcess, tokens: list[str], many: int, notes: list[str]
) -> list[Row]:
    """Many programs that all hear all, on the same machine."""
    web = panel.processes()["web"]
    before = memory_of(web)
    with listen(panel.url, tokens, many) as end:
        each = (memory_of(web) - before) / many / 1000
        used, begun = processor_time(web), time.perf_counter()
        direct = work.run(f"many{work.pulls}")
        used, seconds = processor_time(web) - used, time.perf_counter() - begun
        answer = end()
    expected, pulls = work.ollama.lines * work.pulls, f"{work.pulls} pulls"
    notes.append(
        f"{many:,} sockets, {pulls}: {each:.0f} kB of the web process for each when they opened. "
        f"While the pulls ran it used {used / seconds:.0%} of a core, "
        f"{used / (expected * many) * 1e6:.1f} µs for each line and socket; the listeners, one "
        f"process for all of them, {answer.of_a_core:.0%} of a core. {verdict(answer)}"
    )
    return [
        row_of(f"a direct reader, {pulls}", work.ollama.lines, len(direct), direct, direct),
        *crowd_rows(work, answer, many, direct),
    ]


def crowd_rows(work: Work, answer: Answer, many: int, direct: list[float]) -> list[Row]:
    """All delays of all sockets, and of each line that of the socket that had it last."""
    every, last, seen, most = array("d"), dict[int, float](), 0, 0
    for heard in answer.heard():
        theirs = work.seen(heard)
        seen, most = seen + theirs, max(most, theirs)
        for line, delay in work.delays(heard).items():
            every.append(delay)
            last[line] = max(delay, last.get(line, 0.0))
    lines, pulls = work.ollama.lines * work.pulls, f"{work.pulls} pulls"
    who = f"{many:,} sockets, {pulls}"
    return [
        row_of(who, lines * many, seen, sorted(every), direct),
        row_of(f"the last of {who}", lines, most, list(last.values()), direct),
    ]


def verdict(answer: Answer) -> str:
    """Whether the delays are the panel's, or those of who measured them."""
    if answer.of_a_core < BUSY_LISTENERS:
        return "They waited for the panel, not it for them."
    return "They had no time to spare: the delays are as much theirs as the panel's."


def processor_time(process: psutil.Process) -> float:
    """Seconds that it has used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def seen_row(who: str, work: Work, heard: Heard, direct: list[float]) -> Row:
    """What one watcher of all pulls saw."""
    lines = work.ollama.lines * work.pulls
    return row_of(who, lines, work.seen(heard), list(work.delays(heard).values()), direct)


def row_of(who: str, lines: int, seen: int, delays: list[float], direct: list[float]) -> Row:
    """The delays in ms; `of direct` compares the medians."""
    return {
        "who": who,
        "lines": lines,
        "seen": seen,
        "p50 ms": median(delays) * 1000,
        "p99 ms": percentile(delays, 0.99) * 1000,
        "of direct": median(delays) / median(direct),
    }


def read_directly(url: str, name: str) -> Heard:
    """What somebody without a panel sees of a pull."""
    heard: Heard = []
    body = {"model": name}
    with httpx.stream(
        "POST", f"{url}/api/pull", json=body, timeout=60, verify=PLAIN, trust_env=False
    ) as answer:
        for line in answer.iter_lines():
            now = time.time()
            heard.append((json.loads(line).get("completed", 0), now))
    return heard
