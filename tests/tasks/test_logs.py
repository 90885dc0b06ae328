"""Log files of tasks."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django import Settings

from tasks_app.log_files import remove_log_files
from tasks_app.logs import (
    LONGEST_LINE,
    LogWriter,
    clean_line,
    log_file_exist,
    log_size,
    read_log,
    relative_path,
    tasks_with_log,
)
from tasks_app.models import Task


@pytest.fixture
def task(settings: Settings, tmp_path: Path) -> Task:
    settings.TASK_LOGS = tmp_path
    return Task(pk=1234, log_path=relative_path(1234))


def first_file() -> Path:
    return Path(settings.TASK_LOGS / relative_path(1234))


def read_all(task: Task) -> str:
    part = read_log(task)
    assert part is not None
    return part.text


def test_lines_carry_the_time(task: Task) -> None:
    LogWriter(task).write("one\ntwo")
    assert re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (one|two)\n){2}", read_all(task))


def test_whether_there_is_a_log_is_what_the_disk_says(task: Task) -> None:
    assert not log_file_exist(task)
    assert read_log(task) is None
    writer = LogWriter(task)
    writer.write("one")
    assert log_file_exist(task)

    first_file().unlink()
    assert not log_file_exist(task)
    assert read_log(task) is None

    writer.write("two")
    assert log_file_exist(task)
    assert "two" in read_all(task)


def test_a_task_that_never_ran_has_no_log(task: Task) -> None:
    unborn = Task(pk=1, log_path="")
    assert not log_file_exist(unborn)
    assert read_log(unborn) is None
    assert log_size(unborn) == 0


def test_reading_goes_on_where_it_was(task: Task) -> None:
    writer = LogWriter(task)
    for number in range(50):
        writer.write(f"línea número {number} 模型")
    text, offset = "", 0
    while part := read_log(task, offset, 100):
        assert part.offset == offset
        assert part.next_offset - offset <= 100
        assert part.size == log_size(task) == first_file().stat().st_size
        if part.next_offset == offset:
            break
        text, offset = text + part.text, part.next_offset
    assert "\ufffd" not in text
    assert text == first_file().read_text()


def test_a_log_is_bounded_and_its_offsets_stay_true(task: Task, settings: Settings) -> None:
    settings.TASK_LOG_BYTES = 2000
    writer = LogWriter(task)
    whole = ""
    for number in range(200):
        written = writer.write(f"line {number}")
        assert written is not None
        assert written[0] == len(whole)
        whole += written[1]
        on_disk = sum(path.stat().st_size for path in first_file().parent.iterdir())
        assert on_disk <= 2000
    part = read_log(task, 0)
    assert part is not None
    assert part.offset > 0
    assert part.next_offset == part.size == log_size(task) == len(whole)
    assert part.text == whole[part.offset :]
    assert len(part.text) > 900
    late = read_log(task, len(whole) + 10_000)
    assert late is not None
    assert (late.text, late.offset) == ("", len(whole))


def test_deleting_removes_every_file_of_that_task_alone(task: Task, settings: Settings) -> None:
    settings.TASK_LOG_BYTES = 500
    other = Task(pk=123, log_path=relative_path(123))
    LogWriter(other).write("other")
    writer = LogWriter(task)
    for number in range(50):
        writer.write(f"line {number}")
    assert tasks_with_log() == [123, 1234]
    remove_log_files([task.pk])
    assert not log_file_exist(task)
    assert tasks_with_log() == [123]
    assert not list(first_file().parent.iterdir())
    assert log_file_exist(other)


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("a\x00b\x07c\x9bd", "abcd"),
        ("tab\there", "tab\there"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("GET http://user:pass@host/x", "GET http://•••@host/x"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: •••"),
        ("x" * 5000, "x" * LONGEST_LINE + "…"),
    ],
)
def test_lines_are_clean(line: str, clean: str) -> None:
    assert clean_line(line) == clean


def test_many_threads_write_whole_lines(task: Task) -> None:
    writer = LogWriter(task)

    def write(number: int) -> None:
        for _ in range(50):
            writer.write(f"thread {number} " + "x" * 200)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = read_all(task).splitlines()
    assert len(lines) == 400
    assert all(re.search(r"Z thread \d x{200}$", line) for line in lines)


def test_a_disk_that_refuses_never_stops_the_task(
    task: Task, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    settings.TASK_LOGS = blocked
    writer = LogWriter(task)
    assert writer.write("one") is None
    assert writer.write("two") is None
    assert caplog.text.count("cannot be written") == 1
