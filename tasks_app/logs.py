"""The log files of tasks: bounded, one folder for a thousand tasks, true to the disk.

A log is a file `<id>.log`. When it has grown to half of the limit it goes on in a file that is
named for the byte at which it begins, `<id>.<start>.log`, and only the last two are kept: so an
offset means the same byte for as long as that byte is there.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from ollamactl.lib.moments import now_as_text
from ollamactl.lib.redact import redact_text
from tasks_app.models import Task

logger = logging.getLogger(__name__)

PER_FOLDER = 1000  # tasks
LONGEST_LINE = 4000  # characters
LONGEST_READ = 1_000_000  # bytes
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
# Control characters, and those that turn the direction of the text around them.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class LogPart:
    """A piece of a log. `offset` is its first byte, `next_offset` where to go on reading.

    `offset` is larger than the one asked for where the bytes before it are no longer kept. `size`
    is the offset at which the log ends now.
    """

    text: str
    offset: int
    next_offset: int
    size: int


def relative_path(task_id: int) -> str:
    """Where a task's log is, below the folder of task logs."""
    return f"{task_id // PER_FOLDER}/{task_id}.log"


def log_file_exist(task: Task) -> bool:
    """Whether anything of the log is on the disk now."""
    if not task.log_path:
        return False
    first = _path(task)
    return first.is_file() or bool(_segments(first))


def tasks_with_log() -> list[int]:
    """The ids of all tasks of whose logs anything is on the disk now, by one look at each folder.

    Ids of tasks that are gone from the database may be among them.
    """
    names = (path.name.split(".") for path in Path(settings.TASK_LOGS).glob("*/*.log"))
    return sorted({int(parts[0]) for parts in names if parts[0].isdecimal()})


def log_size(task: Task) -> int:
    """The offset, in bytes, at which the log ends now."""
    return _end(_segments(_path(task))) if task.log_path else 0


def read_log(task: Task, offset: int = 0, limit: int = LONGEST_READ) -> LogPart | None:
    """A piece of at most `limit` bytes, whole characters only; None where no file is left."""
    segments = _segments(_path(task)) if task.log_path else []
    if not segments:
        return None
    size = _end(segments)
    offset = min(max(offset, segments[0][0]), size)
    wanted = max(1, min(limit, LONGEST_READ))
    data = b""
    for start, path in segments:
        position = offset + len(data)
        if len(data) < wanted and start <= position:
            data += _read(path, position - start, wanted - len(data))
    if offset + len(data) < size:
        data = _whole_characters(data)
    return LogPart(data.decode(errors="replace"), offset, offset + len(data), size)


class LogWriter:
    """Adds lines to one task's log. Safe from any thread; a full disk never stops the task."""

    def __init__(self, task: Task) -> None:
        self._first = settings.TASK_LOGS / relative_path(task.pk)
        self._lock = threading.Lock()
        self._broken = False

    def write(self, text: str) -> tuple[int, str] | None:
        """Add the text's lines with the time before each.

        Returns the offset at which they begin and the lines as written; None when the disk
        refused them.
        """
        lines = _stamped(text)
        with self._lock:
            try:
                offset = self._append(lines.encode())
            except OSError as error:
                if not self._broken:
                    logger.warning("A task's log cannot be written: %s", error)
                self._broken = True
                return None
            self._broken = False
        return offset, lines

    def _append(self, data: bytes) -> int:
        segments = _segments(self._first)
        end = _end(segments)
        start, path = segments[-1] if segments else (0, self._first)
        if segments and end - start + len(data) > settings.TASK_LOG_BYTES // 2:
            path = self._first.with_name(f"{self._first.stem}.{end}.log")
            for _, old in segments[:-1]:
                old.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab") as file:
            file.write(data)
        return end


def _path(task: Task) -> Path:
    return Path(settings.TASK_LOGS / task.log_path)


def _segments(first: Path) -> list[tuple[int, Path]]:
    """The files of one log that are there, with the offset at which each begins, in order."""
    found = [(0, first)] if first.is_file() else []
    for path in first.parent.glob(f"{first.stem}.*.log"):
        start = path.name.split(".")[1]
        if start.isdigit():
            found.append((int(start), path))
    return sorted(found)


def _end(segments: list[tuple[int, Path]]) -> int:
    if not segments:
        return 0
    start, path = segments[-1]
    try:
        return start + path.stat().st_size
    except FileNotFoundError:
        return start


def _read(path: Path, position: int, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read(count)
    except FileNotFoundError:
        return b""


def _whole_characters(data: bytes) -> bytes:
    """Without the beginning of a character whose end is not there."""
    for back in range(1, min(4, len(data)) + 1):
        lead = data[-back]
        if lead >= 0xC0:
            length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return data if length <= back or back == len(data) else data[:-back]
        if lead < 0x80:
            break
    return data


def _stamped(text: str) -> str:
    now = now_as_text()
    lines = text.splitlines() or [""]
    return "".join(f"{now} {clean_line(line)}\n" for line in lines)


def clean_line(line: str) -> str:
    """One line without terminal escapes, control characters and secrets, of a bounded length."""
    cleaned = _CONTROLS.sub("", _ESCAPES.sub("", line))
    if len(cleaned) > LONGEST_LINE:
        cleaned = cleaned[:LONGEST_LINE] + "…"
    return redact_text(cleaned)
