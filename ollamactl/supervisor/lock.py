"""One running panel for each home folder."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ollamactl.cli.text import gettext as _
from ollamactl.supervisor.problems import StartError

LOCK_NAME = "up.lock"
# `read_holder` of a doctor holds the lock for an instant.
PATIENCE = 0.2


@contextmanager
def hold_home(home: Path, url: str) -> Iterator[None]:
    """Hold the home's lock. Raises `StartError` naming the panel that has it.

    The kernel lets go of the lock however this process ends.
    """
    path = home / LOCK_NAME
    with path.open("a+") as handle:
        if not _lock_within(handle, PATIENCE):
            raise StartError(_occupied(home, read_holder(home)))
        handle.truncate(0)
        json.dump({"pid": os.getpid(), "url": url}, handle)
        handle.flush()
        yield


def read_holder(home: Path) -> dict[str, Any] | None:
    """``{"pid", "url"}`` of the panel that runs on `home`, or None."""
    try:
        with (home / LOCK_NAME).open("r+") as handle:
            if _try_lock(handle):
                return None
            holder = json.loads(handle.read() or "{}")
    except (OSError, ValueError):
        return None
    return holder if isinstance(holder, dict) else {}


def _lock_within(handle: IO[str], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _try_lock(handle):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _try_lock(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _occupied(home: Path, holder: dict[str, Any] | None) -> str:
    if not holder or not holder.get("pid"):
        return _(
            "ollamactl already runs on %(home)s. "
            "Stop it first, or give this one another folder with --home."
        ) % {"home": home}
    return _(
        "ollamactl already runs on %(home)s (process %(pid)s, %(url)s). "
        "Stop it first, or give this one another folder with --home."
    ) % {"home": home, "pid": holder["pid"], "url": holder.get("url", "")}
