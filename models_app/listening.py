"""What the process behind a port of this machine says of itself."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Lock

import psutil

# To find out who listens, every process has to be looked at: not at each look at a disk.
KEPT_SECONDS = 30.0
_found: dict[int, tuple[float, Path | None]] = {}
_lock = Lock()


def models_folder_behind(port: int) -> Path | None:
    """Where the Ollama that listens at this port has been told to keep its models.

    None where nobody listens there, where it is another user's, or where it is no Ollama, as with a
    tunnel or a container.
    """
    with _lock:
        asked_at, folder = _found.get(port, (0.0, None))
        if port in _found and time.monotonic() - asked_at < KEPT_SECONDS:
            return folder
        folder = _look(port)
        _found[port] = (time.monotonic(), folder)
        return folder


def _look(port: int) -> Path | None:
    try:
        pids = {
            found.pid
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port
        }
        for pid in pids - {None}:
            process = psutil.Process(pid)
            if process.name().lower().startswith("ollama"):
                return _folder_in(process.environ())
    except (psutil.Error, OSError):
        pass  # gone, or not ours to look at
    return None


def _folder_in(environment: dict[str, str]) -> Path | None:
    if named := environment.get("OLLAMA_MODELS"):
        return Path(named)
    home = environment.get("HOME")
    return Path(home) / ".ollama" / "models" if home else None
