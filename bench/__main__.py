"""`python -m bench [start] [pull] [events] [chat] [lists] [fleet]`: measure, print the tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from bench import chats, events, fleet, lists, pulls, start
from bench.figures import Options, Table
from bench.report import as_markdown, fill_in, plot_lists

PARTS: dict[str, Callable[[Options], list[Table]]] = {
    "start": start.measure,
    "pull": pulls.measure,
    "events": events.measure,
    "chat": chats.measure,
    "lists": lists.measure,
    "fleet": fleet.measure,
}
ROWS = (100, 1_000, 10_000, 100_000)
PULL_SECONDS = 8


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    made.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; else all")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    made.add_argument(
        "--markdown", type=Path, metavar="FILE", help="fill the figures into this document"
    )
    made.add_argument("--plot", type=Path, metavar="FILE", help="draw the lists there, as SVG")
    made.add_argument("--quick", action="store_true", help="try the bench out: too few to compare")
    made.add_argument("--rows", type=row_counts, default=ROWS, help="sizes of the lists: 100,1000")
    made.add_argument(
        "--pull-seconds",
        type=int,
        default=PULL_SECONDS,
        metavar="N",
        help=f"how long a pull takes ({PULL_SECONDS}; at least 16 on the real Ollama)",
    )
    return made


def row_counts(text: str) -> tuple[int, ...]:
    """Numbers of rows, growing, out of `100,1000`."""
    counts = tuple(int(part) for part in text.split(","))
    if min(counts) < 1 or list(counts) != sorted(set(counts)):
        raise argparse.ArgumentTypeError("numbers that grow, such as 100,1000")
    return counts


def describe_machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
    }


def run_part(name: str, options: Options) -> tuple[list[Table], dict[str, Any]]:
    """Measure one part and print it; the tables, and the figures as they are."""
    load, begun = os.getloadavg()[0], time.perf_counter()
    tables = PARTS[name](options)
    seconds = time.perf_counter() - begun
    for table in tables:
        print(f"\n{table.as_text()}")
    loads = f"{load:.1f} before, {os.getloadavg()[0]:.1f} after"
    print(f"\n{name}: {seconds:.0f} s; load of the machine {loads}", flush=True)
    return tables, {
        "seconds": round(seconds, 1),
        "load_before": load,
        "tables": [table.as_json() for table in tables],
    }


def main() -> None:
    """Run what is asked for."""
    # As by an exception: what was started ends, and its folders go.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    commands = parser()
    arguments = commands.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        commands.error(f"there is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    options = Options(arguments.quick, arguments.rows, arguments.pull_seconds)
    machine = describe_machine()
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    parts: dict[str, Any] = {}
    for name in arguments.parts or PARTS:
        tables, parts[name] = run_part(name, options)
        # After each part: a later one may fail.
        if arguments.json:
            result = {"machine": machine, "quick": options.quick, "parts": parts}
            write(arguments.json, f"{json.dumps(result, indent=2)}\n")
        if arguments.markdown:
            command = f"python -m bench {name}{options_of(name, options)}"
            text = as_markdown(tables, command, machine)
            if arguments.plot and name == "lists":
                picture = os.path.relpath(arguments.plot, arguments.markdown.parent)
                text += f"\n\n![p95 of a page by the length of the list]({picture})"
            fill_in(arguments.markdown, name, text)
        if arguments.plot and name == "lists":
            write(arguments.plot, plot_lists(tables[0]))


def options_of(name: str, options: Options) -> str:
    """What has to be said to measure this part in the same way."""
    if options.quick:
        return " --quick"
    if name == "pull" and options.pull_seconds != PULL_SECONDS:
        return f" --pull-seconds {options.pull_seconds}"
    return ""


def write(path: Path, text: str) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    main()
