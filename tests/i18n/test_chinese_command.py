"""The command and what starts the panel speak the shell's language."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

Environ = dict[str, str]


@pytest.fixture
def shell(tmp_path: Path) -> Environ:
    """A Chinese shell with a home of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    home = str(tmp_path)
    return {
        **kept,
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "OLLAMACTL_HOME": f"{home}/panel",
        "LANG": "zh_CN.UTF-8",
        "PYTHONUTF8": "1",
    }


def run(environ: Environ, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from ollamactl.cli import main; main()", *arguments],
        env=environ,
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_is_in_chinese(shell: Environ) -> None:
    shown = run(shell, "--help")
    assert shown.returncode == 0
    assert re.search(r"^用法:", shown.stdout)
    assert "在前台启动面板，按 Ctrl-C 结束。" in shown.stdout
    assert "显示此帮助并退出。" in shown.stdout
    english = [line for line in shown.stdout.splitlines() if re.search(r"[a-z]{3} [a-z]{3}", line)]
    assert not english


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nope",), "错误：没有命令 'nope'。"),
        (("pull",), "缺少参数 'NAME'"),
        (("ls", "--bogus"), "没有选项 '--bogus'。"),
        (("sync", "--on-conflict", "x"), "'x' 不在 'server', 'panel', 'report' 之中。"),
        (("up", "--bind", "1.2.3"), "“1.2.3”不是有效的地址"),
        (("reset-password", "admin"), "没有面板，请先启动。"),
    ],
)
def test_usage_errors_are_in_chinese(
    shell: Environ, arguments: tuple[str, ...], sentence: str
) -> None:
    shown = run(shell, *arguments)
    assert shown.returncode != 0
    assert sentence in shown.stderr


def test_a_bad_variable_is_named_in_chinese(shell: Environ) -> None:
    shown = run({**shell, "OLLAMACTL_LOG_FORMAT": "xml"}, "up")
    assert shown.returncode == 1
    assert "OLLAMACTL_LOG_FORMAT: “xml”无效，可选：console, json" in shown.stderr


def test_the_panels_own_variable_goes_before_the_shells(shell: Environ) -> None:
    assert "Usage:" in run({**shell, "OLLAMACTL_LANGUAGE": "en"}, "--help").stdout
    english = {**shell, "LANG": "en_US.UTF-8"}
    assert "Usage:" in run(english, "--help").stdout
    assert "用法:" in run({**english, "OLLAMACTL_LANGUAGE": "zh-hans"}, "--help").stdout
