"""The supervisor's side of the guardian process."""

import contextlib
import subprocess
import sys
from pathlib import Path

from ollamactl.supervisor import guardian


class Guard:
    """Tells the guardian which process groups live."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._groups: set[int] = set()
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The guardian's process."""
        return self._process.pid

    def add(self, group: int) -> None:
        """A process group was started."""
        self._groups.add(group)
        self._tell(f"add {group}")

    def drop(self, group: int) -> None:
        """A process group has ended."""
        self._groups.discard(group)
        self._tell(f"drop {group}")

    def close(self) -> None:
        """Everything was ended in order: the guardian may go."""
        with contextlib.suppress(OSError):
            self._write("bye")
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(guardian.__file__))],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell(self, line: str) -> None:
        try:
            self._write(line)
        except OSError:
            # Somebody killed the guardian: start another and tell it all.
            self._process.wait()
            self._process = self._start()
            with contextlib.suppress(OSError):
                for group in self._groups:
                    self._write(f"add {group}")

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
