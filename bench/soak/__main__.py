"""`python -m bench.soak`: use a panel for a while, and say what is level and what grows."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench.__main__ import describe_machine
from bench.figures import Table, Value
from bench.soak.samples import Sample, Sampler
from bench.soak.verdict import judge
from bench.soak.work import Work
from bench.stack import run_inside, running_panel, simulated_ollama
from tests.end_to_end.api import Api
from tests.end_to_end.bad_servers import hanging_server, html_server, no_server

MINUTES = 20.0
QUICK_SECONDS, EVERY, QUICK_EVERY = 12.0, 5.0, 1.0
SPEED = "20MB"
SEED = 7


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    made.add_argument("--minutes", type=float, default=MINUTES)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the samples there too")
    made.add_argument("--quick", action="store_true", help="try the soak out: too short to judge")
    return made


def soak(seconds: float, every: float) -> tuple[list[Sample], Work, list[str]]:
    """Use a panel for so long; returns the samples, the work and the rules broken at the end."""
    with ExitStack() as stack:
        ollamas = [
            stack.enter_context(simulated_ollama("--speed", SPEED, "--models", "20"))
            for _server in range(2)
        ]
        panel, api, first = stack.enter_context(running_panel(ollamas[0].url))
        servers = {first: ollamas[0], add_server(api, "second", ollamas[1].url): ollamas[1]}
        for number, server in enumerate((hanging_server, html_server, no_server)):
            add_server(api, f"bad {number}", stack.enter_context(server()))
        work = Work(panel, api, servers, SEED)
        sampler = Sampler(panel)
        work.start()
        samples = [sampler.take()]
        while samples[-1].at < seconds:
            time.sleep(max(0.0, len(samples) * every - samples[-1].at))
            samples.append(sampler.take())
        work.stop()
        broken: list[str] = run_inside(panel, "bench.soak.rules", None)
        return samples, work, broken


def add_server(api: Api, name: str, url: str) -> int:
    """One server more; returns its id."""
    return int(api.post("servers/", {"name": name, "base_url": url}, status=201)["id"])


def table_of_work(work: Work) -> Table:
    """How often each kind of work was done."""
    rows: list[dict[str, Value]] = [
        {"work": kind, "done": work.done[kind], "broke": work.failed[kind]}
        for kind in sorted({*work.done, *work.failed})
    ]
    notes = [f"{kind}, the last time: {reason}" for kind, reason in work.reasons.items()]
    return Table("What was done", rows, notes)


def main() -> int:
    """Soak; 1 where something grows or a rule is broken."""
    arguments = parser().parse_args()
    machine = describe_machine()
    print(", ".join(f"{key} {value}" for key, value in machine.items()), flush=True)
    seconds = QUICK_SECONDS if arguments.quick else arguments.minutes * 60
    samples, work, broken = soak(seconds, QUICK_EVERY if arguments.quick else EVERY)
    table, growing = judge(samples)
    for each in (table_of_work(work), table):
        print(f"\n{each.as_text()}")
    print("\nbroken rules of the rows:", broken or "none")
    print("growing:", ", ".join(growing) or "nothing", flush=True)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        result = {
            "machine": machine,
            "quick": arguments.quick,
            "work": table_of_work(work).as_json(),
            "verdict": table.as_json(),
            "growing": growing,
            "broken": broken,
            "samples": [vars(sample) for sample in samples],
        }
        arguments.json.write_text(f"{json.dumps(result, indent=2)}\n")
    return 1 if broken or (growing and not arguments.quick) else 0


if __name__ == "__main__":
    sys.exit(main())
