"""The main job by a person in a shell, on a real Ollama, a real registry and a real model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.components.blob_server import BlobServer
from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.shell import Shell
from tests.helpers.terminal import CTRL_C, QUESTION, Terminal

RATE = 25e6  # bytes a second: the model takes ten seconds


@pytest.fixture
def shell(panel: PanelProcess, server: int, tmp_path: Path) -> Shell:
    """A shell that is logged in as the administrator."""
    shell = Shell(panel, tmp_path)
    shell.log_in("admin", panel.password)
    return shell


def test_the_token_is_kept_for_its_owner_alone(shell: Shell, tmp_path: Path) -> None:
    kept = tmp_path / "ollamactl" / "config.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert shell.panel.password not in kept.read_text()
    done = shell.run("ls", "--json")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_password_is_said(panel: PanelProcess, server: int, tmp_path: Path) -> None:
    done = Shell(panel, tmp_path).run("login", panel.url, "--user", "admin", stdin="wrong\n")
    assert done.returncode == 3
    assert done.stderr.strip() == "Error: The user name or the password is wrong."


def shares(shown: str) -> list[int]:
    """The percentages before the bar, in the order in which they were shown."""
    return [int(share) for share in re.findall(r"(\d+)% ▕", shown)]


def let_come(blobs: BlobServer, size: int) -> None:
    """Stand still once so many bytes have come."""
    wait_until(lambda: blobs.sent >= size, "a part has come", 30)
    blobs.stall()


def shows_up_to(terminal: Terminal, percent: int) -> None:
    terminal.wait_until(
        lambda shown: max([0, *shares(shown)]) >= percent, f"at {percent} %", timeout=30
    )


def test_the_whole_job_in_a_shell(
    shell: Shell,
    ollama: OllamaProcess,
    real_registry: RegistryProcess,
    pullable_model: PushedModel,
) -> None:
    name = pullable_model.name
    blobs = real_registry.blobs
    blobs.sent = 0
    blobs.rate = RATE
    with shell.on_terminal("pull", name) as terminal:
        for percent in (10, 30, 50, 70):
            let_come(blobs, pullable_model.size * percent // 100)
            shows_up_to(terminal, percent - 5)
            blobs.resume(RATE)
        status = terminal.end(90)
        shown = terminal.screen
    assert status == 0, shown
    assert shares(shown) == sorted(shares(shown))
    assert shares(shown)[-1] == 100
    assert re.search(r" \d+ MB/253 MB +\d+ MB/s +\d+s", shown), shown[:600]
    assert "\nsuccess\r\n" in shown

    listed = shell.run("ls").stdout.splitlines()
    assert listed[0].split() == ["NAME", "ID", "SIZE", "MODIFIED"]
    row = next(line for line in listed if line.startswith(name))
    assert pullable_model.digest[:12] in row

    done = shell.run("start", name)
    assert (done.returncode, done.stdout) == (0, f"started '{name}'\n"), done.stderr
    running = shell.run("ps").stdout
    assert re.search(rf"{re.escape(name)} .* 100% CPU .* Forever", running), running
    done = shell.run("stop", name)
    assert (done.returncode, done.stdout) == (0, f"stopped '{name}'\n"), done.stderr
    assert name not in shell.run("ps").stdout

    done = shell.run("rm", name)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    done = shell.run("rm", "--yes", name)
    assert (done.returncode, done.stdout) == (0, f"deleted '{name}'\n"), done.stderr
    tags = httpx.get(f"{ollama.url}/api/tags", verify=PLAIN, trust_env=False).json()["models"]
    assert name not in {row["name"] for row in tags}
    assert name not in shell.run("ls").stdout
    done = shell.run("sync")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"Ollama: added 0, updated 0, deleted 0, unchanged \d+, conflicts 0\n", done.stdout
    )


def test_ctrl_c_leaves_it_running_or_cancels_it(
    shell: Shell, admin: Api, real_registry: RegistryProcess
) -> None:
    pushed = real_registry.push_random_model(size=40_000_000)
    real_registry.blobs.rate = 400_000
    with shell.on_terminal("pull", pushed.name) as terminal:
        terminal.wait_for("KB/s", 30)
        terminal.press(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.press("l\n")
        assert terminal.end() == 130
    model = admin.model(pushed.name)
    assert model is not None
    assert model["task"]["state"] == "running"

    with shell.on_terminal("pull", pushed.name) as terminal:
        terminal.wait_for("on its way already", 30)
        terminal.wait_for("KB/s", 30)
        terminal.press(CTRL_C)
        terminal.wait_for(QUESTION)
        terminal.press("c\n")
        assert terminal.end() == 130
        assert "Cancelled." in terminal.screen
    task = admin.get(f"tasks/{model['task']['id']}/")
    assert task["state"] == "cancelled"

    real_registry.blobs.rate = None
    done = shell.run("pull", pushed.name)
    assert done.returncode == 0, done.stderr
    assert shell.run("rm", "--yes", pushed.name).returncode == 0


def test_without_a_terminal_lines_and_json(
    shell: Shell, admin: Api, real_registry: RegistryProcess
) -> None:
    pushed = real_registry.push_random_model()
    done = shell.run("pull", "--json", pushed.name)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["event"] == "accepted"
    assert lines[-1]["event"] == "result"
    assert lines[-1]["task"]["state"] == "succeeded"
    (row,) = [m for m in json.loads(shell.run("ls", "--json").stdout) if m["name"] == pushed.name]
    assert row == admin.model(pushed.name)
    assert shell.run("rm", "--yes", pushed.name).returncode == 0
    done = shell.run("rm", "--yes", pushed.name)
    assert done.returncode == 4
    assert pushed.name in done.stderr


def test_a_second_panel_start_knows_all_again(
    shell: Shell, panel: PanelProcess, real_registry: RegistryProcess
) -> None:
    pushed = real_registry.push_random_model()
    assert shell.run("pull", pushed.name).returncode == 0
    assert panel.stop() == 0
    done = shell.run("ls")
    assert done.returncode == 1
    assert "Start it: ollamactl up" in done.stderr
    panel.start()
    assert pushed.name in shell.run("ls").stdout
    assert shell.run("rm", "--yes", pushed.name).returncode == 0
