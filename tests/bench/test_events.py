"""One part of the bench, as short as it can be, on a whole panel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.stack import PROJECT


def test_it_measures_to_the_page_and_to_many_sockets_that_all_hear_the_same(tmp_path: Path) -> None:
    figures = tmp_path / "results" / "events.json"
    document = tmp_path / "performance.md"
    document.write_text("# Speed\n\n<!-- bench: events -->\nold\n<!-- end -->\n\nThe end.\n")
    command = [sys.executable, "-m", "bench", "events", "--quick"]
    done = subprocess.run(
        [*command, "--json", str(figures), "--markdown", str(document)],
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
    different = rows["the last of 50 sockets, 3 pulls"]["seen"]
    assert 0 < different <= rows["1 socket"]["lines"]
    assert rows["50 sockets, 3 pulls"]["seen"] == 50 * different
    assert rows["50 sockets, 10 pulls"]["seen"] > 0
    assert all(0 < row["p50 ms"] <= row["p99 ms"] for row in table["rows"])
    text = document.read_text()
    assert "| 50 sockets, 10 pulls" in text
    assert text.startswith("# Speed\n")
    assert text.endswith("The end.\n")
