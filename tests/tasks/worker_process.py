"""Real Celery workers for the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.components.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
QUEUES = "control,pulls,default"


class WorkerProcess:
    """One worker, in a session of its own, on the database and the Valkey given."""

    def __init__(self, folder: Path, database: str, valkey_url: str, threads: int = 80) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "worker.log"
        self._command = (
            *(sys.executable, "-m", "celery", "-A", "tests.tasks.worker_app", "-q", "worker"),
            *("--pool", "threads", "--concurrency", str(threads), "--queues", QUEUES),
            *("--without-gossip", "--without-mingle", "--hostname", f"{folder.name}@test"),
            *("--loglevel", "INFO"),
        )
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ollamactl.settings.test",
            "OLLAMACTL_DATABASE_URL": database,
            "OLLAMACTL_VALKEY_URL": valkey_url,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> WorkerProcess:
        """Start it and wait until it takes messages."""
        with self.log.open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: b"ready." in self.log.read_bytes()[begin:], "the worker is ready", 60)
        return self

    def kill(self) -> None:
        """`kill -9` of the worker."""
        self._signal_group(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def suspend(self) -> None:
        """Stop it without its knowing, as a machine that sleeps does."""
        self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal_group(signal.SIGCONT)

    def terminate(self, timeout: float = 15) -> float:
        """SIGTERM to the worker; returns the seconds until it had ended."""
        assert self._process is not None
        begun = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout)
        return time.monotonic() - begun

    def end(self) -> None:
        """Leave nothing behind."""
        self._signal_group(signal.SIGCONT)
        self.kill()

    def _signal_group(self, number: int) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return
