"""What Django's processes write is what the supervisor reads."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from ollamactl.logs import LineFormatter
from ollamactl.supervisor.records import parse_line


def record(message: str, *values: object, broken: bool = False) -> logging.LogRecord:
    """A warning, with what was raised if something was."""
    info = None
    if broken:
        try:
            raise OSError("no space left on device")
        except OSError:
            info = sys.exc_info()
    return logging.LogRecord("tasks_app.hub", logging.WARNING, "hub.py", 1, message, values, info)


@pytest.mark.parametrize("message", ['100% "quoted" in 中文', "two\nlines", "\x1b[31mred", ""])
def test_a_line_is_read_as_it_was_written(message: str) -> None:
    line = LineFormatter(is_json=True).format(record("%s", message))
    assert "\n" not in line
    found = parse_line("worker", line)
    assert (found.message, found.level, found.process) == (message, "warning", "worker")
    assert found.fields == {"logger": "tasks_app.hub"}
    assert found.time.endswith("Z")


def test_what_was_raised_is_in_the_line() -> None:
    line = LineFormatter(is_json=True).format(record("it broke", broken=True))
    assert "OSError: no space left on device" in json.loads(line)["exception"]


def test_people_read_text_without_control_characters() -> None:
    text = LineFormatter(is_json=False).format(record("a \x1b[31mred %d", 7, broken=True))
    first, *rest = text.splitlines()
    assert "WARNING" in first
    assert first.endswith("a �[31mred 7")
    assert any("OSError: no space left on device" in line for line in rest)
