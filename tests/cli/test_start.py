"""What every verb has in common: a fast start, languages, harmless texts, the version."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from rich.cells import cell_len

from ollamactl import __version__
from ollamactl.cli import VERBS
from ollamactl.cli.remote.bar import bar_line
from ollamactl.cli.remote.records import Progress, Task
from ollamactl.cli.terminal import clean, clean_block
from ollamactl.cli.text import language_of
from tests.cli.conftest import Run, log_in
from tests.cli.fake_panel import FakePanel

ROOT = Path(__file__).resolve().parents[2]
LIST_MODULES = """
import sys
from ollamactl.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
print("modules:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_a_verb_over_the_api_loads_no_framework(
    panel: FakePanel, environment: dict[str, str]
) -> None:
    log_in(environment, panel)
    command = [sys.executable, "-c", LIST_MODULES, "ls"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    modules = set(done.stdout.rpartition("modules:")[2].split())

    assert "requests" in modules
    assert not modules & {"django", "celery", "rich", "websockets", "rest_framework", "asyncio"}


def test_help_loads_no_framework_either(environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", LIST_MODULES, "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    modules = set(done.stdout.rpartition("modules:")[2].split())
    assert not modules & {"django", "celery", "rich", "requests", "websockets"}


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help(stranger: Run, verb: str) -> None:
    result = stranger(verb, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_a_word_that_is_no_verb_is_a_usage_error(stranger: Run) -> None:
    assert stranger("fly").exit_code == 2


def test_the_version_is_the_packages(stranger: Run) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert __version__ == project["version"]
    assert __version__ in stranger("--version").stdout


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh-hans"),
        ({"LANGUAGE": "de:zh_Hans", "LANG": "de_DE.UTF-8"}, "zh-hans"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "OLLAMACTL_LANGUAGE": "en"}, "en"),
        ({"LC_MESSAGES": "zh_TW.UTF-8@x"}, "zh-hans"),
    ],
)
def test_the_language_is_the_environments(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[31;1mred\x1b[0mb", "aredb"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1bPpayload\x1b\\after", "after"),
        ("\x1b", ""),
        ("\x9b31mx\x9d0;t\x9c", "x"),
        ("a\r\nb\tc\x00d\u2028e", "a  b c d e"),
        ("\u202eabc\u2066", "abc"),
        ("\x1b\x1b[[31mx", "31mx"),
        ("中文", "中文"),
        ("x" * 3000, "x" * 1999 + "…"),
        (None, "None"),
    ],
)
def test_texts_are_made_harmless(text: object, shown: str) -> None:
    assert clean(text) == shown


def test_a_log_keeps_its_lines() -> None:
    assert clean_block("a\r\nb\rc\td\x1b[K\x07\n") == "a\nb\nc\td\n"


def test_the_bar_fits_the_terminal() -> None:
    half = Progress(done=500, total=1000, unit="bytes", rate=10.0, eta_seconds=50.0)
    for width in (40, 60, 80, 200):
        line = bar_line("pulling x", half, width)
        assert len(line) <= max(width, 60)
        assert " 50%" in line
    bar = bar_line("pulling x", half, 80).partition("▕")[2].partition("▏")[0]
    assert bar.count("█") == len(bar) // 2
    assert bar_line("p", half, 80, is_ascii=True).isascii()
    assert bar_line("p", Progress(done=5, unit="bytes"), 80) == "p:             5 B"


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize(
    "label",
    ["pulling hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M", "正在拉取 " + "模型" * 30],
)
def test_a_long_name_leaves_room_for_the_bar(label: str, is_ascii: bool) -> None:
    half = Progress(done=10**9, total=2 * 10**9, unit="bytes", rate=12e6, eta_seconds=83.0)
    line = bar_line(label, half, 80, is_ascii=is_ascii)
    assert cell_len(line) <= 80
    assert line.startswith(label[:5])
    assert f"{label[-5:]}:  50% " in line
    assert line.endswith("1 GB/2 GB    12 MB/s    1m23s")


@pytest.mark.parametrize(
    "data", [{}, {"id": "x", "progress": 3, "error": []}, {"id": True, "progress": {"done": "1"}}]
)
def test_odd_answers_become_empty_ones(data: dict[str, object]) -> None:
    task = Task.of(data)
    assert (task.id == 0 or task.id is True, task.progress.done, task.error_detail) == (
        True,
        None,
        "",
    )
