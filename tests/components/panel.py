"""The whole panel as `ollamactl up` starts it, in a home folder of its own."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx
import psutil

from tests.components.launching import ending_with_us
from tests.components.loopback import PLAIN
from tests.components.prepared import copy_prepared
from tests.components.waiting import free_port, wait_until

READY_SECONDS = 60
# By this variable coverage begins in a process that is started.
COVERAGE = "COVERAGE_PROCESS_CONFIG"
# Settings of a panel on this machine must not reach the one under test.
FOREIGN = ("OLLAMACTL_", "OLLAMA_", "DJANGO_")


def clean_environment(home: Path, **settings: str) -> dict[str, str]:
    """This environment without anybody's settings, and with `home` and `settings`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return {**kept, "OLLAMACTL_HOME": str(home), **settings}


class PanelProcess:
    """`ollamactl up` on a free port of loopback; it keeps home and port over a restart.

    Its processes count for the coverage only where they are `covered`: they work half as fast then.
    A `prepared` one has had its first start already, which is most of the work of that.
    """

    def __init__(
        self,
        home: Path,
        *arguments: str,
        covered: bool | str = False,  # a text for the types alone: `settings` have any name
        prepared: bool | str = False,
        **settings: str,
    ) -> None:
        self.home = home
        self.port = free_port()
        self.arguments = arguments
        self.prepared = prepared
        self.environment = clean_environment(
            home, OLLAMACTL_BIND=f"127.0.0.1:{self.port}", **settings
        )
        if not covered:
            self.environment.pop(COVERAGE, None)
        self.output_path = home.with_name(f"{home.name}.out")
        self._process: subprocess.Popen[bytes] | None = None
        self._launched_at = 0

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What it printed so far, over all starts."""
        return self.output_path.read_text(errors="replace") if self.output_path.exists() else ""

    @property
    def password(self) -> str:
        """The first password of the user ``admin``."""
        return (self.home / "initial-password").read_text().strip()

    @property
    def pid(self) -> int:
        """The supervisor."""
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Start it without waiting."""
        self._launched_at = len(self.output)
        if self.prepared and not self.home.exists():
            copy_prepared(self.home)
        with self.output_path.open("ab") as output:
            self._process = subprocess.Popen(
                ending_with_us([sys.executable, "-m", "ollamactl", "up", *self.arguments]),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start it and wait until it says where it is and ``/readyz`` is 200."""
        self.launch()
        # Processes that an earlier supervisor left behind may answer at first.
        wait_until(self._says_where_it_is, "the panel says where it is", READY_SECONDS)
        wait_until(self.is_ready, "the panel is ready", READY_SECONDS)

    def is_ready(self) -> bool:
        """Whether ``/readyz`` is 200; fails where the panel has ended."""
        self._check_alive()
        with suppress(httpx.TransportError):
            return httpx.get(
                f"{self.url}/readyz", timeout=5, verify=PLAIN, trust_env=False
            ).is_success
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send the supervisor alone a signal."""
        os.kill(self.pid, number)

    def wait(self, timeout: float = 10) -> int:
        """Wait for the supervisor's end; returns its exit status."""
        assert self._process is not None
        return self._process.wait(timeout)

    def stop(self) -> int:
        """End it as SIGTERM does; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def processes(self) -> dict[str, psutil.Process]:
        """The living children by name: valkey, web, worker, worker-2 …, demo, guardian."""
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                # What a process has started looks like it: the leader counts.
                leads = os.getsid(process.pid) == process.pid
                if leads and process.environ().get("OLLAMACTL_HOME") == str(self.home):
                    found[_name(process.cmdline())] = process
        return {name: process for name, process in found.items() if name}

    def everything(self) -> list[psutil.Process]:
        """Every living process of this home, the supervisor included."""
        living = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                ours = process.environ().get("OLLAMACTL_HOME") == str(self.home)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    living.append(process)
        return living

    def _says_where_it_is(self) -> bool:
        self._check_alive()
        return f"{self.url}/" in self.output[self._launched_at :]

    def _check_alive(self) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the panel ended:\n{self.output[-4000:]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        try:
            if self._process is not None and self._process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    self.stop()
        finally:
            self._kill_everything()
            if self._process is not None:
                self._process.wait(10)

    def _kill_everything(self) -> None:
        """Leave nobody who may write into the home, which is about to be removed.

        Who is killed takes a moment to be gone, and may have started somebody just before.
        """
        for _attempt in range(10):
            living = self.everything()
            if not living:
                return
            for process in living:
                with suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(living, timeout=5)


def _name(command: list[str]) -> str:
    text = " ".join(command)
    if numbered := re.search(r"--hostname (worker-\d+)@", text):
        return numbered[1]
    marks = {
        "valkey": "valkey-server",
        "web": "daphne",
        "worker": "celery",
        "demo": "ollamactl.simulator",
        "guardian": "guardian.py",
    }
    return next((name for name, mark in marks.items() if mark in text), "")
