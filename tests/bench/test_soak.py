"""The soak, as short as it can be, and its verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.soak.samples import Sample
from bench.soak.verdict import judge
from bench.stack import PROJECT


def samples_of(name: str, begin: float, end: float) -> list[Sample]:
    """A figure that goes from one value to the other in 60 steps."""
    step = (end - begin) / 59
    return [Sample(float(at), {name: begin + at * step}) for at in range(60)]


@pytest.mark.parametrize(
    ("name", "begin", "end", "grows"),
    [
        ("memory of worker (PSS, MB)", 100, 103, False),
        ("memory of worker (PSS, MB)", 100, 130, True),
        ("memory of valkey (PSS, MB)", 3, 6, False),
        ("threads of worker", 12, 14, False),
        ("threads of worker", 12, 60, True),
        ("open files of web", 60, 30, False),
        ("rows: tasks", 100, 250, False),
        ("rows: tasks", 100, 1000, True),
        ("write-ahead log (MB)", 4, 60, True),
    ],
)
def test_what_grows_is_told_from_what_is_level(
    name: str, begin: float, end: float, grows: bool
) -> None:
    table, growing = judge(samples_of(name, begin, end))
    assert growing == ([name] if grows else [])
    assert [row[""] for row in table.rows] == ["growing" if grows else "level"]


def test_a_peak_that_goes_by_is_no_growth() -> None:
    samples = samples_of("threads of web", 10, 10)
    samples[30] = Sample(30.0, {"threads of web": 200})
    table, growing = judge(samples)
    assert growing == []
    assert table.rows[0]["most"] == 200


def test_it_does_everything_and_looks_at_everything(tmp_path: Path) -> None:
    figures = tmp_path / "results" / "soak.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--quick", "--json", str(figures)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(figures.read_text())
    assert result["broken"] == []
    work = {row["work"]: row for row in result["work"]["rows"]}
    assert len(work) == 9
    assert all(row["done"] > 0 and row["broke"] == 0 for row in work.values()), work
    last = result["samples"][-1]["figures"]
    for process in ("web", "worker", "supervisor", "valkey", "guardian"):
        assert last[f"memory of {process} (PSS, MB)"] > 1
        assert last[f"open files of {process}"] > 1
    assert last["rows: tasks"] > 5
    assert last["database (MB)"] > 0.1
