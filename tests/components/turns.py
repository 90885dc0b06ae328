"""Tests marked `alone` run while no other test of this user does; all others run side by side.

A test that says how soon something has to happen, or that kills what has to be in the middle of its
work, says nothing on two cores on which a second such test runs.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line("markers", "alone: runs while no other test does")


# The outermost, so that a test's own time limit does not run while it waits for its turn.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run the test, from its fixtures on, when it may."""
    folder = Path(tempfile.gettempdir()) / f"octl-turns-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with _turn(folder, alone=item.get_closest_marker("alone") is not None):
        return (yield)


# What takes longest begins first, so that no process has a long file before it when the others are
# done.
LONGEST = tuple(
    f"tests/{path}"
    for path in (
        *("end_to_end/", "scale_out/", "bench/", "chaos/", "supervisor/", "upgrades/", "cli/"),
        *("contract/", "connection/", "components/", "metrics/", "tasks/", "models/", "socket/"),
    )
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of the longest files first; within a file they stay as they are."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@contextmanager
def _turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Whoever wants the room alone waits at its door, which keeps the others out meanwhile."""
    with (folder / "door").open("w") as door, (folder / "room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
