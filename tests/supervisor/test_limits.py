"""A panel may open as many files as the system lets it, whatever a login's shell allows."""

from __future__ import annotations

import subprocess
import sys

SHOW = """
import resource
from ollamactl.supervisor.limits import allow_many_files
allow_many_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def limits(soft: int, hard: int) -> list[int]:
    """The limits after the call, in a process that began with these."""
    import resource

    ended = subprocess.run(
        [sys.executable, "-c", SHOW],
        capture_output=True,
        check=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
    )
    return [int(part) for part in ended.stdout.split()]


def test_it_is_raised_as_far_as_it_may_go() -> None:
    assert limits(256, 4096) == [4096, 4096]


def test_it_is_never_lowered() -> None:
    assert limits(4096, 4096) == [4096, 4096]
