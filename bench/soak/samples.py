"""What is looked at every few seconds: processes, files, rows, Valkey."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

from bench.start import memory_of, named_processes
from tests.components.panel import PanelProcess


@dataclass(frozen=True)
class Sample:
    """Figures by name, at a moment in seconds since the soak began."""

    at: float
    figures: dict[str, float]


class Sampler:
    """Samples one panel."""

    def __init__(self, panel: PanelProcess) -> None:
        self._panel = panel
        self._begun = time.monotonic()

    def take(self) -> Sample:
        """Look once at everything."""
        figures: dict[str, float] = {}
        figures |= self._processes()
        figures |= self._files()
        figures |= self._rows()
        figures |= self._valkey()
        return Sample(time.monotonic() - self._begun, figures)

    def _processes(self) -> dict[str, float]:
        found: defaultdict[str, float] = defaultdict(float)
        for process, name in named_processes(self._panel).items():
            with suppress(psutil.NoSuchProcess):
                found[f"memory of {name} (PSS, MB)"] += memory_of(process) / 1e6
                found[f"threads of {name}"] += process.num_threads()
                found[f"open files of {name}"] += process.num_fds()
                found[f"connections of {name}"] += len(process.net_connections("all"))
                if name in ("web", "worker"):
                    files = [Path(file.path).name for file in process.open_files()]
                    found[f"of these, the database, of {name}"] += sum(
                        file.startswith("ollamactl.sqlite3") for file in files
                    )
        memory = sum(value for name, value in found.items() if name.startswith("memory"))
        return {**found, "memory of all (PSS, MB)": memory}

    def _files(self) -> dict[str, float]:
        home = self._panel.home
        return {
            "database (MB)": _size(home / "ollamactl.sqlite3"),
            "write-ahead log (MB)": _size(home / "ollamactl.sqlite3-wal"),
            "log of the panel (MB)": _size(home / "logs"),
            "logs of tasks (MB)": _size(home / "task-logs"),
            "files of Valkey (MB)": _size(home / "valkey"),
            "all other files (MB)": _size(home)
            - sum(
                _size(home / name)
                for name in (
                    "ollamactl.sqlite3",
                    "ollamactl.sqlite3-wal",
                    "ollamactl.sqlite3-shm",
                    "logs",
                    "task-logs",
                    "valkey",
                )
            ),
        }

    def _rows(self) -> dict[str, float]:
        tables = {
            "tasks": "tasks_app_task",
            "audit records": "audit_app_auditrecord",
            "sessions": "django_session",
            "tokens": "audit_app_apitoken",
            "login attempts": "axes_accessattempt",
            "logins": "axes_accesslog",
            "models": "models_app_ollamamodel",
        }
        path = self._panel.home / "ollamactl.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
            return {
                f"rows: {name}": database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for name, table in tables.items()
            }

    def _valkey(self) -> dict[str, float]:
        with redis.Redis(unix_socket_path=str(self._panel.home / "run" / "valkey.sock")) as valkey:
            said = valkey.info()
        assert isinstance(said, dict)
        return {
            "memory in Valkey (MB)": said["used_memory"] / 1e6,
            "clients of Valkey": said["connected_clients"],
            "keys in Valkey": said.get("db0", {}).get("keys", 0),
        }


def _size(path: Path) -> float:
    """Megabytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(_size(child) for child in path.iterdir())
    with suppress(OSError):
        return path.stat().st_size / 1e6
    return 0.0
