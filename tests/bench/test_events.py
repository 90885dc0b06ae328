"""One part of the bench, as short as it can be, on a whole panel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.events import MANY
from bench.stack import PROJECT


def test_it_measures_to_the_page_and_to_many_sockets_that_all_hear_the_same(tmp_path: Path) -> None:
    figures = tmp_path / "results" / "events.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "events", "--quick", "--json", str(figures)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert "| the last of" in done.stdout
    (table,) = json.loads(figures.read_text())["parts"]["events"]["tables"]
    rows = {row["who"]: row for row in table["rows"]}
    # A machine that stands still for a moment has two lines in one event, the same for all.
    different = rows[f"the last of {MANY} sockets"]["seen"]
    assert 0 < different <= rows["1 socket"]["lines"]
    assert rows[f"{MANY} sockets"]["seen"] == MANY * different
    assert all(0 < row["p50 ms"] <= row["p99 ms"] for row in table["rows"])
