"""`python -m chaos [--scenario NAME] [--on real]`: hurt a panel, and say what held."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaos.scenarios import SCENARIOS, run_scenario
from chaos.stage import Options
from tests.components.inventory import MissingComponent

PULLS, FEW = 40, 6
# Of the real components; the simulated ones repeat those whose answers differ in kind.
SIMULATED = ("worker", "children", "machine", "several")
QUICK = ("worker", "machine")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    made.add_argument(
        *("-s", "--scenario"), action="append", choices=sorted(SCENARIOS), metavar="NAME",
        help=f"one of {', '.join(SCENARIOS)}; else all",
    )  # fmt: skip
    made.add_argument("--on", choices=("real", "simulated"), help="which Ollama; else both")
    made.add_argument("--pulls", type=int, default=PULLS, help=f"at once, {PULLS} if not said")
    made.add_argument("--seed", type=int, help="repeat the random choices of an earlier run")
    made.add_argument(
        "--patience", type=float, default=1.0, help="3 on a machine that is three times as slow"
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    made.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)}, {FEW} pulls")
    return made


def chosen(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Pairs of an Ollama and a scenario's name, in the order in which they run."""
    names = arguments.scenario or (QUICK if arguments.quick else tuple(SCENARIOS))
    pairs = [("real", name) for name in names if arguments.on in (None, "real")]
    if arguments.on == "simulated":
        return [("simulated", name) for name in names]
    if arguments.on is None and not arguments.scenario:
        pairs += [("simulated", name) for name in names if name in SIMULATED]
    return pairs


def run_one(kind: str, name: str, options: Options) -> dict[str, Any]:
    """Run one and print its line."""
    load = os.getloadavg()[0]
    result: dict[str, Any] = {"on": kind, "scenario": name, "load": load, **asdict(options)}
    try:
        verdict, notes, seconds = run_scenario(SCENARIOS[name], kind, options)
    except MissingComponent as error:
        print(f"SKIP  {kind:9} {name}: {error}", flush=True)
        return {**result, "result": "skipped", "broken": [], "notes": [str(error)]}
    except Exception as error:  # one that breaks must not hide the others
        traceback.print_exc()
        print(f"FAIL  {kind:9} {name}: {error}", flush=True)
        return {**result, "result": "failed", "broken": [str(error)], "notes": []}
    figures = [
        f"{verdict.succeeded} of {verdict.pulls} succeeded",
        f"{seconds:.0f} s",
        f"load {load:.0f}",
    ]
    if verdict.taken_back_s is not None:
        figures.append(f"taken back in {verdict.taken_back_s:.1f} s")
    if verdict.sent_share is not None:
        figures.append(f"sent {verdict.sent_share:.2f} of all bytes")
    mark = "FAIL" if verdict.broken else "ok"
    print(f"{mark:4}  {kind:9} {name}: {', '.join(figures)}", flush=True)
    for line in [*verdict.broken, *notes]:
        print(f"      {line}", flush=True)
    outcome = "failed" if verdict.broken else "ok"
    return {**result, **verdict.as_json(), "result": outcome, "notes": notes, "seconds": seconds}


def main() -> None:
    """Run what is asked for; the status is 1 where a promise was not kept."""
    arguments = parser().parse_args()
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(1_000_000)
    pulls = FEW if arguments.quick and arguments.pulls == PULLS else arguments.pulls
    options = Options(seed, pulls, arguments.patience, arguments.quick)
    print(f"seed {seed}; {pulls} pulls at once", flush=True)
    results = []
    for kind, name in chosen(arguments):
        results.append(run_one(kind, name, options))
        if arguments.json:
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(f"{json.dumps(results, indent=2)}\n")
    failed = [f"{r['on']} {r['scenario']}" for r in results if r["result"] == "failed"]
    print(f"{len(results)} scenarios, {len(failed)} failed {', '.join(failed)}".rstrip())
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
