"""Where the log goes: the terminal and a rotated file in the home."""

import contextlib
import os
import queue
import sys
import threading
from pathlib import Path
from typing import IO

from ollamactl.supervisor.records import LogRecord, now, to_console, to_json

FILE_NAME = "ollamactl.log"
FILE_BYTES = 10_000_000
OLD_FILES = 4
WAITING_LINES = 10_000


class LogSink:
    """Writes each record to the file and, from a thread, to the terminal.

    A terminal that does not take lines (a paused pager) must not hold up the panel: what it misses
    is in the file, and how much that was is said later.
    """

    def __init__(self, folder: Path, log_format: str, terminal: IO[str] | None = None) -> None:
        self._render = to_json if log_format == "json" else to_console
        self._path = folder / FILE_NAME
        self._file: IO[str] | None = None
        self._terminal = terminal or sys.stdout
        self._queue: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._missed = 0
        self._json = log_format == "json"
        self._thread = threading.Thread(target=self._write_terminal, daemon=True)
        self._thread.start()

    def write(self, record: LogRecord) -> None:
        """Log one record."""
        line = self._render(record)
        self._write_file(line)
        self._show(line)

    def say(self, message: str, level: str = "info") -> None:
        """Log a record of the supervisor's own."""
        self.write(LogRecord("up", message, level, now()))

    def announce(self, *lines: str) -> None:
        """Tell the person who started the panel; plain lines, unless the log is JSON."""
        if self._json:
            self.say(" ".join(lines))
            return
        for line in ("", *lines, ""):
            self._show(line)

    def close(self) -> None:
        """Write what waits, within a second, and close the file."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(timeout=1)
        self._let_go()

    def _show(self, line: str) -> None:
        try:
            if self._missed:
                self._queue.put_nowait(f"... {self._missed} lines are only in {self._path}")
                self._missed = 0
            self._queue.put_nowait(line)
        except queue.Full:
            self._missed += 1

    def _write_terminal(self) -> None:
        while (line := self._queue.get()) is not None:
            # A terminal that has gone away is no reason to end the panel.
            with contextlib.suppress(OSError, ValueError):
                self._terminal.write(line + "\n")
                if self._queue.empty():
                    self._terminal.flush()

    def _write_file(self, line: str) -> None:
        # A full disk must not end the panel: it is then that people look at it.
        with contextlib.suppress(OSError, ValueError):
            if self._file is not None and not self._is_in_place(self._file):
                self._let_go()
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file = self._path.open("a", encoding="utf-8", errors="replace")
            self._file.write(line + "\n")
            self._file.flush()
            if self._file.tell() > FILE_BYTES:
                self._rotate()

    def _is_in_place(self, file: IO[str]) -> bool:
        """Not if somebody has deleted or moved it: nobody would ever read what is written there."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def _let_go(self) -> None:
        if self._file is not None:
            # What a full disk has not taken fails again here.
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _rotate(self) -> None:
        self._let_go()
        for number in range(OLD_FILES - 1, 0, -1):
            older = self._path.with_name(f"{FILE_NAME}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{FILE_NAME}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{FILE_NAME}.1"))
