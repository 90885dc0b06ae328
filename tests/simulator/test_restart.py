"""What a simulator remembers, and how it runs as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ollamactl.simulator.running import running_simulator
from tests.components.waiting import wait_until
from tests.contract.calls import Calls, next_with

MB = 1_000_000


def test_partials_and_models_survive_a_stop(tmp_path: Path) -> None:
    with running_simulator(state=tmp_path, models=2) as simulator, Calls(simulator.url) as calls:
        first = set(calls.tags())
        assert len(first) == 2
        simulator.control.remove(sorted(first)[0])
        simulator.control.install("all-minilm")
        simulator.control.fault("stall", at_bytes=500 * MB)
        with calls.pulling("llama3.2:1b") as lines:
            next_with(lines, "completed", 500 * MB)
            url = simulator.url
            simulator.stop()
            with pytest.raises(httpx.TransportError):
                list(lines)
        simulator.start()
        assert simulator.url == url
        assert set(calls.tags()) == {sorted(first)[1], "all-minilm:latest"}
        with calls.pulling("llama3.2:1b") as lines:
            assert next_with(lines, "completed")["completed"] >= 500 * MB
            assert list(lines)[-1] == {"status": "success"}


def test_stopped_server_refuses_and_comes_back_empty() -> None:
    with running_simulator() as simulator, Calls(simulator.url) as calls:
        simulator.control.install("all-minilm")
        simulator.stop()
        with pytest.raises(httpx.ConnectError):
            calls.get("/")
        with pytest.raises(RuntimeError, match="stopped"):
            simulator.control.clear()
        simulator.start()
        assert calls.tags() == {}


@contextmanager
def _process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    ready = folder / "ready"
    process = subprocess.Popen(
        [sys.executable, "-m", "ollamactl.simulator", "--ready-file", str(ready), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "absent"},
    )
    try:
        wait_until(ready.exists, "the ready file is there", timeout=30)
        yield process, ready.read_text().strip()
    finally:
        process.kill()
        process.wait(10)


def test_process_remembers_through_a_kill(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    arguments = ("--state", state, "--speed", "200MB/s", "--models", "1")
    with _process(tmp_path, *arguments) as (process, url), Calls(url) as calls:
        assert len(calls.tags()) == 1
        assert calls.get("/_sim/").status_code == 404
        assert calls.pull("all-minilm")[-1] == {"status": "success"}
        with calls.pulling("llama3.2:1b") as lines:
            next_with(lines, "completed", 300 * MB)
            process.kill()
            process.wait(10)
    (tmp_path / "ready").unlink()
    with _process(tmp_path, *arguments) as (_, url), Calls(url) as calls:
        assert "all-minilm:latest" in calls.tags()
        with calls.pulling("llama3.2:1b") as lines:
            assert next_with(lines, "completed")["completed"] > 50 * MB


def test_process_ends_on_sigterm_with_a_pull_open(tmp_path: Path) -> None:
    with (
        _process(tmp_path, "--control", "--speed", "1MB/s") as (process, url),
        Calls(url) as calls,
        calls.pulling("llama3.2:1b") as lines,
    ):
        next_with(lines, "completed")
        assert calls.get("/_sim/").json()["pulls"]["llama3.2:1b"]["active"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert not (tmp_path / "ready").exists()


@pytest.mark.parametrize("speed", ["0", "fast", "-1MB/s"])
def test_wrong_speed_is_a_usage_error(speed: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ollamactl.simulator", "--speed", speed],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert "speed" in result.stderr


def test_taken_port_is_one_clear_line() -> None:
    with running_simulator() as simulator:
        port = simulator.url.rpartition(":")[2]
        result = subprocess.run(
            [sys.executable, "-m", "ollamactl.simulator", "--port", port],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr.startswith("The simulated Ollama cannot start: ")
    assert result.stderr.count("\n") == 1
