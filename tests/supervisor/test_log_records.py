"""One log format out of what the processes print."""

import io
import json
from pathlib import Path

import pytest

from ollamactl.supervisor import log_sink
from ollamactl.supervisor.log_sink import FILE_NAME, LogSink
from ollamactl.supervisor.records import LogRecord, parse_line, to_console, to_json


def test_line_of_django_keeps_its_level_time_and_fields() -> None:
    line = json.dumps(
        {"event": "pulled", "level": "warning", "timestamp": "2026-01-02T03:04:05Z", "model": "x"}
    )
    record = parse_line("worker", line)
    assert to_console(record) == "03:04:05 WARNING  worker   pulled model=x"
    assert json.loads(to_json(record)) == {
        "timestamp": "2026-01-02T03:04:05Z",
        "level": "warning",
        "process": "worker",
        "event": "pulled",
        "model": "x",
    }


def test_line_of_valkey_is_read() -> None:
    record = parse_line("valkey", "71:M 23 Nov 2026 04:49:05.123 # Memory is short")
    assert (record.level, record.message) == ("warning", "Memory is short")


def test_other_lines_are_taken_as_they_are() -> None:
    for line in ("plain", "{not json", "[1]", "{}trailing"):
        assert parse_line("web", line).message == line


def test_exception_is_shown_below_its_line() -> None:
    record = LogRecord("web", "failed", "error", "2026-01-02T03:04:05Z", {"exception": "A\nB"})
    assert to_console(record) == "03:04:05 ERROR    web      failed\n    A\n    B"


def test_control_characters_do_not_reach_the_terminal() -> None:
    shown = to_console(parse_line("web", "\x1b[31mred\x07 name\x00"))
    assert not set(shown) & {"\x1b", "\x07", "\x00"}
    assert "red" in shown


def test_file_is_rotated_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_sink, "FILE_BYTES", 200)
    log = LogSink(tmp_path, "json", io.StringIO())
    for number in range(40):
        log.say(f"line {number}")
    log.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [FILE_NAME, *(f"{FILE_NAME}.{number}" for number in range(1, 5))]
    assert max(path.stat().st_size for path in tmp_path.iterdir()) < 400


def test_terminal_that_takes_no_lines_does_not_hold_up_the_log(tmp_path: Path) -> None:
    class Stuck(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.released = False

        def write(self, text: str) -> int:
            while not self.released:
                pass
            return super().write(text)

    terminal = Stuck()
    log = LogSink(tmp_path, "console", terminal)
    for number in range(log_sink.WAITING_LINES + 50):
        log.say(f"line {number}")
    assert f"line {log_sink.WAITING_LINES + 49}" in (tmp_path / FILE_NAME).read_text()
    terminal.released = True
    log.close()


def test_announcement_is_plain_on_a_console_and_a_record_in_json(tmp_path: Path) -> None:
    console, machine = io.StringIO(), io.StringIO()
    for log_format, terminal in (("console", console), ("json", machine)):
        log = LogSink(tmp_path, log_format, terminal)
        log.announce("ready: http://x/", "password: y")
        log.close()
    assert console.getvalue() == "\nready: http://x/\npassword: y\n\n"
    assert json.loads(machine.getvalue())["event"] == "ready: http://x/ password: y"


@pytest.mark.parametrize("removed", ["file", "folder", "moved"])
def test_a_log_that_somebody_removes_is_begun_again(tmp_path: Path, removed: str) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / FILE_NAME
    log = LogSink(folder, "console", io.StringIO())
    log.say("before")
    if removed == "moved":
        path.rename(folder / "aside")
    else:
        path.unlink()
    if removed == "folder":
        folder.rmdir()
    log.say("after")
    log.close()
    assert "after" in path.read_text()
    assert "before" not in path.read_text()
