"""`ollamactl up`: the whole panel, started, hurt and ended for real."""

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import pytest

from tests.components.fixtures import NewPanel
from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until

STOP_SECONDS = 5
CHILDREN = {"valkey", "web", "worker", "guardian"}


@pytest.fixture(scope="module")
def panel() -> Iterator[PanelProcess]:
    """A ready panel that tests hurt and that recovers."""
    with (
        TemporaryDirectory(prefix="octl-") as folder,
        PanelProcess(Path(folder) / "h", covered=True) as running,
    ):
        running.start()
        yield running


def up(panel: PanelProcess) -> subprocess.CompletedProcess[str]:
    """A second `up` in the same environment; it has to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "ollamactl", "up"],
        env=panel.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_first_start_says_where_to_go(panel: PanelProcess) -> None:
    wait_until(lambda: "ollamactl is ready" in panel.output, "the address is printed")
    assert f"ollamactl is ready: {panel.url}/" in panel.output
    assert f"Log in as “admin”; the password is in {panel.home}/initial-password" in panel.output
    answer = httpx.get(f"{panel.url}/", follow_redirects=True, verify=PLAIN, trust_env=False)
    assert answer.status_code == 200
    assert set(panel.processes()) == CHILDREN


def test_no_file_of_the_home_is_open_to_other_users(panel: PanelProcess) -> None:
    modes = {path: path.lstat().st_mode for path in panel.home.rglob("*") if not path.is_symlink()}
    assert panel.home / "ollamactl.sqlite3" in modes
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_log_is_in_the_home_too(panel: PanelProcess) -> None:
    logged = (panel.home / "logs" / "ollamactl.log").read_text()
    assert " worker " in logged


@pytest.mark.parametrize("name", ["worker", "web", "valkey", "guardian"])
def test_killed_process_comes_back(panel: PanelProcess, name: str) -> None:
    killed = panel.processes()[name]
    killed.kill()
    if name != "guardian":
        # The supervisor meets a dead guardian when it has something to tell it.
        wait_until(lambda: f"{name} ended (signal SIGKILL)" in panel.output, "it is said")
        wait_until(lambda: name in panel.processes(), "it runs again", 30)
        assert panel.processes()[name].pid != killed.pid
    wait_until(panel.is_ready, "the panel is ready again", 30)


def test_visitors_wait_while_the_web_server_restarts(panel: PanelProcess) -> None:
    web = panel.processes()["web"]
    web.kill()
    web.wait(5)
    assert (
        httpx.get(f"{panel.url}/healthz", timeout=30, verify=PLAIN, trust_env=False).status_code
        == 200
    )


def test_nothing_outlives_a_killed_worker(panel: PanelProcess) -> None:
    """Its ticks come from a thread of its own: no process of its own is left, or missing later."""
    worker = panel.processes()["worker"]
    assert not worker.children()
    worker.kill()
    wait_until(lambda: "worker" in panel.processes(), "the worker runs again", 30)


def test_several_workers_run_and_are_kept_running(new_panel: NewPanel) -> None:
    panel = new_panel(OLLAMACTL_WORKERS="2")
    panel.start()
    workers = {name: process.pid for name, process in panel.processes().items() if "worker" in name}
    assert set(workers) == {"worker", "worker-2"}
    panel.processes()["worker-2"].kill()
    wait_until(lambda: "worker-2 ended (signal SIGKILL)" in panel.output, "it is said")
    wait_until(lambda: "worker-2" in panel.processes(), "it runs again", 30)
    assert panel.processes()["worker-2"].pid != workers["worker-2"]
    assert panel.processes()["worker"].pid == workers["worker"]


def test_second_panel_on_the_same_home_is_refused(panel: PanelProcess) -> None:
    refused = up(panel)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"ollamactl: ollamactl already runs on {panel.home} (process {panel.pid}, {panel.url}). "
        "Stop it first, or give this one another folder with --home.\n"
    )
    assert panel.is_ready()


def test_taken_port_is_refused(new_panel: NewPanel) -> None:
    panel = new_panel()
    with socket.create_server(("127.0.0.1", panel.port)):
        refused = up(panel)
    assert refused.returncode == 1
    assert f"Port {panel.port} of 127.0.0.1 is taken by another program" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not panel.everything()


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_everything_in_time(new_panel: NewPanel, number: signal.Signals) -> None:
    panel = new_panel(covered=True, prepared=True)
    panel.start()
    started = time.monotonic()
    panel.signal(number)
    assert panel.wait() == 0
    assert time.monotonic() - started < STOP_SECONDS
    assert not panel.everything()


@pytest.mark.alone
def test_signal_during_the_start_ends_everything_in_time(new_panel: NewPanel) -> None:
    panel = new_panel()
    panel.launch()
    wait_until(lambda: "valkey" in panel.processes(), "the start is under way")
    started = time.monotonic()
    panel.signal(signal.SIGTERM)
    assert panel.wait() == 0
    assert time.monotonic() - started < STOP_SECONDS
    assert not panel.everything()


def test_processes_do_not_outlive_a_killed_supervisor(new_panel: NewPanel) -> None:
    panel = new_panel(prepared=True)
    panel.start()
    panel.signal(signal.SIGKILL)
    panel.wait()
    wait_until(lambda: not panel.everything(), "the guardian has ended everything", 15)


def test_start_right_after_a_killed_supervisor(new_panel: NewPanel) -> None:
    panel = new_panel(prepared=True)
    panel.start()
    before = {process.pid for process in panel.everything()}
    panel.signal(signal.SIGKILL)
    panel.wait()
    panel.start()
    assert not before & {process.pid for process in panel.processes().values()}
    assert panel.stop() == 0
    assert not panel.everything()


def test_start_right_after_everything_was_killed(new_panel: NewPanel) -> None:
    """As after a power cut, but for what the kernel keeps: no process may end anything."""
    panel = new_panel(prepared=True)
    panel.start()
    # The supervisor first, or it would restart them; the guardian next, or it would end them.
    supervisor = psutil.Process(panel.pid)
    supervisor.suspend()
    children = panel.processes()
    children["guardian"].kill()
    supervisor.kill()
    panel.wait()
    left = {children[name].pid for name in ("valkey", "web", "worker")}
    assert left <= {process.pid for process in panel.everything()}
    panel.start()
    assert not left & {process.pid for process in panel.everything()}
    assert "that an earlier panel had left" in panel.output


def test_demo_brings_a_simulated_server_that_keeps_its_address(new_panel: NewPanel) -> None:
    panel = new_panel("--demo", covered=True, prepared=True)
    panel.start()
    address = demo_address(panel)
    assert httpx.get(f"{address}/api/version", verify=PLAIN, trust_env=False).status_code == 200
    panel.stop()
    panel.start()
    assert demo_address(panel) == address
    assert httpx.get(f"{address}/api/version", verify=PLAIN, trust_env=False).status_code == 200


def demo_address(panel: PanelProcess) -> str:
    with closing(sqlite3.connect(panel.home / "ollamactl.sqlite3")) as database:
        rows = database.execute("SELECT name, base_url FROM models_app_ollamaserver").fetchall()
    assert [name for name, _ in rows] == ["Demo (simulated)"]
    return str(rows[0][1])
