"""The bar of a pull on a terminal, phase by phase."""

from __future__ import annotations

import io

from rich.console import Console

from ollamactl.cli.remote.bar import Bar
from ollamactl.cli.remote.records import Task
from tests.cli.fake_panel import blank_task, progress


def running(done: int, phase: str = "downloading") -> Task:
    return Task.of({**blank_task(9), "state": "running", "progress": progress(done, phase=phase)})


def rows(*tasks: Task) -> list[str]:
    """What stands on the screen at the end, after these states of a task."""
    screen = io.StringIO()
    with Bar("llama3.2", Console(file=screen, width=90)) as bar:
        for task in tasks:
            bar.show(task)
    return screen.getvalue().splitlines()


def test_each_phase_has_a_row_and_what_is_over_is_full() -> None:
    shown = rows(running(0, "manifest"), running(400), running(1000, "verifying"))
    assert [row.split(" ▕")[0] for row in shown] == [
        "pulling manifest",
        "pulling llama3.2: 100%",
        "verifying sha256 digest",
    ]


def test_what_is_posted_again_goes_on_in_its_own_row() -> None:
    """Broken off at 40 %, Ollama begins with the manifest again: nothing was full yet."""
    shown = rows(running(0, "manifest"), running(400), running(400, "manifest"), running(410))
    assert len(shown) == 2
    assert "41%" in shown[1]
    assert "100%" not in "".join(shown)
