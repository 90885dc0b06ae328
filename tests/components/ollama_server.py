"""A real Ollama server as a process of the tests': started, killed, frozen and restarted."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx

from tests.components.launching import ending_with_us
from tests.components.loopback import PLAIN
from tests.components.waiting import free_port, wait_until


class OllamaProcess:
    """One Ollama server on loopback, with a home and a model store of its own.

    It keeps its port and its store over `stop` and `kill`, so `start` brings the same server back.
    """

    def __init__(
        self, binary: Path, folder: Path, *, seed: Path | None = None, host: str = "127.0.0.1"
    ) -> None:
        """`folder` holds everything of this server; `seed` is a store whose models it has.

        `host`: where it listens; it is asked on loopback all the same.
        """
        self.host = host
        self.binary = binary
        self.folder = folder
        self.models_dir = folder / "models"
        self.log_path = folder / "ollama.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if seed is not None:
            copy_store(seed, self.models_dir)

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process is alive (also while it is frozen)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server, or do nothing where it runs; returns when it answers."""
        if self.running:
            return
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                ending_with_us([self.binary, "serve"]),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "Ollama answers", timeout=30)

    def stop(self) -> None:
        """End the server and its runners with SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server and its runners with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill the server and start it again on the same port and store."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Stop the process without ending it: it still accepts connections and never answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal(signal.SIGCONT)

    def run_client(self, *arguments: str) -> str:
        """Run Ollama's own command line against this server and return what it printed."""
        command = [str(self.binary), *arguments]
        result = subprocess.run(
            command,
            env=self._environment(),
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if result.returncode != 0:
            raise AssertionError(f"ollama {' '.join(arguments)} failed: {result.stderr}")
        return result.stdout

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        if not self.running:
            raise AssertionError(f"Ollama ended at its start:\n{self.log_path.read_text()[-2000:]}")
        try:
            return httpx.get(
                f"{self.url}/api/version", timeout=2, verify=PLAIN, trust_env=False
            ).is_success
        except httpx.TransportError:
            return False

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "OLLAMA_HOST": f"{self.host}:{self.port}",
            "OLLAMA_MODELS": str(self.models_dir),
            "OLLAMA_NO_CLOUD": "1",
        }

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            os.killpg(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # The group as a whole: a killed server would leave its model runners behind.
        _kill_group(process.pid, signal.SIGCONT)
        _kill_group(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        _kill_group(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def copy_store(source: Path, target: Path) -> None:
    """Copy a store of Ollama's; the blobs as hard links where they can be, since Ollama never
    changes a finished blob."""
    shutil.copytree(source, target, copy_function=_link_or_copy, dirs_exist_ok=True)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copy2(source, target)


def _kill_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
