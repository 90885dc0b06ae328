"""Ends what a supervisor that was killed has left running on the same home."""

import contextlib
import os
import signal
from pathlib import Path

# Each process of a panel carries its home under this name in its environment.
MARK = "OLLAMACTL_SUPERVISED_HOME"
GRACE_SECONDS = 3.0


def note_running(run_dir: Path) -> None:
    """Leave a note that processes run; it outlives a supervisor that is killed."""
    _note(run_dir).write_text(f"{os.getpid()}\n")


def forget_running(run_dir: Path) -> None:
    """All processes were ended in order."""
    _note(run_dir).unlink(missing_ok=True)


def end_leftovers(run_dir: Path, home: Path) -> int:
    """End the processes of an earlier panel on `home`; returns how many there were.

    Looks only where the note says that the last panel was not ended in order.
    """
    if not _note(run_dir).exists():
        return 0
    # psutil is loaded for this rare case alone.
    import psutil

    current = psutil.Process()
    spared = {current.pid, *(parent.pid for parent in current.parents())}
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in spared and process.environ().get(MARK) == str(home):
                left.append(process)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(left, timeout=GRACE_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=1)
    return len(left)


def _note(run_dir: Path) -> Path:
    return run_dir / "running"
