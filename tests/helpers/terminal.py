"""The `ollamactl` command on a terminal of its own, with somebody at the keys."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from typing import Self

CTRL_C = "\x03"
QUESTION = "[c]ancel it, [l]eave it running, [w]atch on"
ROWS, COLUMNS = 30, 100
# Runs a program as the foreground of the terminal on its stdin, so that Ctrl-C becomes SIGINT.
OWN_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """One verb. `screen` is all that it has written since the last key."""

    def __init__(self, environment: Mapping[str, str], *words: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, sys.executable, "-m", "ollamactl", *words],
            env=dict(environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        self.screen = ""

    def wait_for(self, text: str, timeout: float = 20) -> None:
        """Read until `text` has been shown since the last key."""
        self.wait_until(lambda screen: text in screen, f"on the screen: {text}", timeout)

    def wait_until(
        self, condition: Callable[[str], object], what: str, timeout: float = 20
    ) -> None:
        """Read until the screen is as it shall be."""
        deadline = time.monotonic() + timeout
        while not condition(self.screen):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"never {what}: {self.screen[-1000:]!r}")

    def press(self, keys: str) -> None:
        """Type; what was on the screen before does not count any more."""
        self.screen = ""
        os.write(self._master, keys.encode())

    def interrupt(self, timeout: float = 20) -> int:
        """Ctrl-C at a question, to the end; returns the exit status.

        Pressed again each second, as people do: one that comes in the moment between a question and
        the reading of its answer is noticed with the next key only.
        """
        self.screen = ""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            os.write(self._master, CTRL_C.encode())
            again = time.monotonic() + 1
            while self._read(again - time.monotonic()):
                pass
            if self.process.poll() is not None:
                return self.process.returncode
        raise AssertionError(f"Ctrl-C does not end it: {self.screen[-1000:]!r}")

    def end(self, timeout: float = 20) -> int:
        """Read to the end; returns the exit status."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        try:
            return self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end: {self.screen[-2000:]!r}") from None

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self, seconds: float) -> bool:
        """Read some; False at the end and when the time is over."""
        ready, _writable, _failed = select.select([self._master], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            return False
        self.screen += data.decode(errors="replace")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()
