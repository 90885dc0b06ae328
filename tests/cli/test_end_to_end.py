"""The verbs at a whole running panel, with a simulated Ollama behind it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.panel import PanelProcess, clean_environment
from tests.components.waiting import wait_until
from tests.helpers.terminal import CTRL_C, QUESTION, Terminal

MB = 1_000_000
NAME = "llama3.2:latest"


@pytest.fixture(scope="module")
def ollama() -> Iterator[RunningSimulator]:
    """A simulated Ollama without models, whose downloads are as fast as a test says."""
    with running_simulator() as running:
        yield running


@pytest.fixture(scope="module")
def real_panel(ollama: RunningSimulator) -> Iterator[PanelProcess]:
    """A ready panel that has found the Ollama."""
    # Short, since the path of a unix socket is.
    with TemporaryDirectory(prefix="octl-") as folder:
        running = PanelProcess(
            Path(folder) / "h",
            prepared=True,
            OLLAMACTL_OLLAMA_URL=ollama.url,
            OLLAMACTL_LANGUAGE="en",
        )
        with running:
            running.start()
            yield running


class Shell:
    """Somebody who is logged in at the panel."""

    def __init__(self, panel: PanelProcess, config: Path) -> None:
        self.environment = {
            **clean_environment(config),
            "XDG_CONFIG_HOME": str(config),
            "OLLAMACTL_LANGUAGE": "en",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PYTHONUNBUFFERED": "1",
        }
        self.run("login", panel.url, "--user", "admin", stdin=panel.password + "\n")

    def run(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """One verb to its end, which must have this exit code; what it has printed."""
        done = subprocess.run(
            [sys.executable, "-m", "ollamactl", *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str) -> Any:
        """One verb that prints JSON."""
        return json.loads(self.run(*words, "--json"))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """One verb without waiting for it; its progress can be read."""
        return subprocess.Popen(
            [sys.executable, "-m", "ollamactl", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def shell(real_panel: PanelProcess, ollama: RunningSimulator, tmp_path: Path) -> Iterator[Shell]:
    """A shell, with the panel's server online and downloads at full speed."""
    person = Shell(real_panel, tmp_path)
    wait_until(
        lambda: [row for row in person.json("servers", "ls") if row["status"] == "online"],
        "the panel has found its Ollama",
        30,
    )
    ollama.control.clear()
    ollama.control.speed(1e9)
    yield person
    for model in person.json("ls"):
        person.run("rm", "--yes", model["name"])
    person.run("logout")


def newest_pull(shell: Shell) -> Any:
    """The last download's task; the panel's own syncs may come after it."""
    return next(task for task in shell.json("tasks", "ls") if task["type"] == "model.pull")


def test_the_main_job(shell: Shell) -> None:
    assert shell.run("pull", "llama3.2").splitlines()[-1] == "success"
    (model,) = shell.json("ls")
    assert (model["name"], model["status"]) == (NAME, "stopped")
    assert f"{NAME}    {model['digest'][:12]}    2.0 GB" in shell.run("ls")
    assert shell.json("ps") == []

    assert shell.run("start", "llama3.2") == f"started '{NAME}'\n"
    line = shell.run("ps").splitlines()[1]
    assert re.search(r"100% GPU +\d+ +Forever$", line)
    assert shell.run("stop", "LLAMA3.2:latest") == f"stopped '{NAME}'\n"
    assert "is not running" in shell.run("stop", "llama3.2", code=5)
    assert "unchanged 1," in shell.run("sync")
    assert shell.run("rm", "--yes", "llama3.2") == f"deleted '{NAME}'\n"
    assert shell.json("ls") == []


def test_what_cannot_be_done_is_one_sentence(shell: Shell) -> None:
    for words, code in [
        (["pull", "no-such-model"], 4),
        (["pull", "../x"], 2),
        (["start", "no-such-model"], 4),
        (["tasks", "show", "999999"], 4),
        (["ls", "--status", "nonsense"], 2),
        (["servers", "add", "x", "ftp://x"], 2),
    ]:
        text = shell.run(*words, code=code)
        assert text.startswith("Error: ")
        assert "Traceback" not in text


def test_a_failed_pull_is_told_with_its_reason(shell: Shell, ollama: RunningSimulator) -> None:
    ollama.control.fault("disk_full")
    text = shell.run("pull", "llama3.2", code=1)
    assert "Error: " in text
    assert "disk" in text
    task = newest_pull(shell)
    assert task["error"]["detail"] in text
    assert "no space left" in shell.run("tasks", "log", str(task["id"]))


def test_ctrl_c_cancels_and_the_server_is_told(shell: Shell, ollama: RunningSimulator) -> None:
    ollama.control.speed(50 * MB)
    before = ollama.control.pulls(NAME).get("cancelled", 0)
    terminal = Terminal({**shell.environment, "COLUMNS": "100"}, "pull", "llama3.2")
    try:
        terminal.wait_for("MB/2.0 GB")
        terminal.press(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.press("c\n")
        assert terminal.end() == 130
        assert "Cancelled." in terminal.screen
    finally:
        terminal.close()
    assert newest_pull(shell)["state"] == "cancelled"
    wait_until(
        lambda: ollama.control.pulls(NAME)["cancelled"] == before + 1, "the server has been told"
    )


def test_a_pull_outlives_a_restart_of_the_panel(
    shell: Shell, real_panel: PanelProcess, ollama: RunningSimulator
) -> None:
    ollama.control.speed(50 * MB)
    pull = shell.start("pull", "llama3.2")
    try:
        assert pull.stderr is not None
        assert any("MB/2.0 GB" in line for line in iter(pull.stderr.readline, ""))
        real_panel.stop()
        assert any("does not answer" in line for line in iter(pull.stderr.readline, ""))
        ollama.control.speed(1e9)
        real_panel.start()
        _out, err = pull.communicate(timeout=60)
    finally:
        if pull.poll() is None:
            pull.kill()
            pull.wait()
    assert pull.returncode == 0
    assert "The panel answers again." in err
    assert err.splitlines()[-1] == "success"
    assert [model["status"] for model in shell.json("ls")] == ["stopped"]
