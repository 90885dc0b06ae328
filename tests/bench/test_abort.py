"""A bench that is aborted leaves nothing behind: no process, no folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import psutil
import pytest

from bench.fleet import Repeated
from bench.stack import PROJECT
from tests.components.waiting import wait_until


def test_processes_end_before_their_folder_goes(tmp_path: Path) -> None:
    bench = subprocess.Popen(
        [sys.executable, "-m", "bench", "fleet", "--quick"],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )

    def homes() -> list[Path]:
        return list(tmp_path.glob("octl-*/h/ollamactl.sqlite3"))

    wait_until(lambda: bench.poll() is not None or homes(), "the panel has a home", timeout=60)
    assert homes()
    bench.send_signal(signal.SIGTERM)
    _nothing, complaints = bench.communicate(timeout=60)
    assert bench.returncode == 128 + signal.SIGTERM, complaints
    assert list(tmp_path.iterdir()) == []
    assert [process for process in psutil.process_iter() if is_under(process, tmp_path)] == []


def is_under(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get("OLLAMACTL_HOME", "").startswith(str(folder))
    except (psutil.Error, OSError):
        return False


def test_what_is_repeated_beside_a_failure_ends_with_it() -> None:
    repeated = Repeated(lambda: 1.0)
    with pytest.raises(ZeroDivisionError), repeated.going_on():
        raise ZeroDivisionError
    count = len(repeated.values)
    Event().wait(0.3)
    assert len(repeated.values) == count
