"""A process under the supervisor: restarted, logged, ended with all that it started."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from ollamactl.supervisor.guard import Guard
from ollamactl.supervisor.log_sink import FILE_NAME, LogSink
from ollamactl.supervisor.process import ManagedProcess, ProcessSpec
from tests.components.waiting import wait_until

FOREVER = "import time\nwhile True: time.sleep(60)"


class Bench:
    """One managed process over a Python script, with its log."""

    def __init__(self, folder: Path, script: str) -> None:
        self.folder = folder
        self.terminal = io.StringIO()
        self.log = LogSink(folder, "console", self.terminal)
        self.guard = Guard(dict(os.environ))
        command = (sys.executable, "-u", "-c", script)
        self.process = ManagedProcess(
            ProcessSpec("script", command, dict(os.environ), folder), self.log, self.guard
        )

    @property
    def logged(self) -> str:
        path = self.folder / FILE_NAME
        return path.read_text() if path.exists() else ""

    async def logs(self, text: str, count: int = 1) -> None:
        async with asyncio.timeout(15):
            while self.logged.count(text) < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(folder: Path, script: str) -> AsyncIterator[Bench]:
    bench = Bench(folder, script)
    run = asyncio.create_task(bench.process.run())
    try:
        yield bench
    finally:
        bench.process.kill()
        await asyncio.wait_for(run, 10)
        bench.guard.close()
        bench.log.close()


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


async def test_what_a_process_prints_is_logged(tmp_path: Path) -> None:
    script = f"import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\n{FOREVER}"
    async with running(tmp_path, script) as bench:
        await bench.logs("INFO     script   to stdout")
        await bench.logs("INFO     script   to stderr")


async def test_killed_process_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, f"import os\nprint('pid', os.getpid())\n{FOREVER}") as bench:
        await bench.logs("pid ")
        first = bench.process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await bench.logs("script ended (signal SIGKILL); starting it again in 0.1 s")
        await bench.logs("pid ", 2)
        assert bench.process.pid not in (first, None)


async def test_process_that_keeps_failing_is_started_less_and_less_often(tmp_path: Path) -> None:
    async with running(tmp_path, "raise SystemExit(3)") as bench:
        for delay in ("0.1", "0.5", "1"):
            await bench.logs(f"script ended (status 3); starting it again in {delay} s")
        assert bench.process.failures >= 3


async def test_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    log = LogSink(tmp_path, "console", io.StringIO())
    guard = Guard(dict(os.environ))
    spec = ProcessSpec("absent", (str(tmp_path / "absent"),), {}, tmp_path)
    process = ManagedProcess(spec, log, guard)
    run = asyncio.create_task(process.run())
    async with asyncio.timeout(10):
        while process.failures < 2:
            await asyncio.sleep(0.01)
    process.stop()
    await run
    assert "No such file or directory" in process.last_line
    guard.close()
    log.close()


async def test_children_of_a_killed_process_go_with_it(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {FOREVER!r}])\n"
        f"print('child', child.pid)\n{FOREVER}"
    )
    async with running(tmp_path, script) as bench:
        await bench.logs("child ")
        child = int(bench.logged.split("child ")[1].split()[0])
        leader = bench.process.pid
        assert leader is not None
        os.kill(leader, signal.SIGKILL)
        await bench.logs("child ", 2)
        assert not is_alive(child)


async def test_stop_lets_a_process_finish_and_does_not_restart_it(tmp_path: Path) -> None:
    script = (
        "import signal, sys\n"
        "def end(*_):\n    print('released')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('up')\nwhile True: signal.pause()"
    )
    async with running(tmp_path, script) as bench:
        await bench.logs("up")
        bench.process.stop()
        await bench.logs("released")
        async with asyncio.timeout(5):
            while bench.process.pid is not None:
                await asyncio.sleep(0.01)
    assert "starting it again" not in bench.logged


async def test_endless_line_does_not_grow_the_log_without_bound(tmp_path: Path) -> None:
    script = f"import sys\nsys.stdout.write('x' * 3_000_000)\nprint()\nprint('after')\n{FOREVER}"
    async with running(tmp_path, script) as bench:
        await bench.logs("after")
        assert max(len(line) for line in bench.logged.splitlines()) <= 1_100_000


async def test_guardian_ends_the_processes_of_a_supervisor_that_was_killed(
    tmp_path: Path,
) -> None:
    script = (
        "import os, signal, subprocess, sys\n"
        "from ollamactl.supervisor.guard import Guard\n"
        "guard = Guard(dict(os.environ))\n"
        f"child = subprocess.Popen([sys.executable, '-c', {FOREVER!r}], start_new_session=True)\n"
        "guard.add(child.pid)\nprint(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    child = int(await supervisor.stdout.readline())
    assert await supervisor.wait() == -signal.SIGKILL
    await asyncio.to_thread(wait_until, lambda: not is_alive(child), "the child is gone")


async def test_guardian_that_was_killed_is_replaced_and_knows_all(tmp_path: Path) -> None:
    guard = Guard(dict(os.environ))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FOREVER, start_new_session=True
    )
    guard.add(child.pid)
    first = guard.pid
    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(wait_until, lambda: not is_alive(first), "the guardian is gone")
    guard.add(999_999_999)
    assert guard.pid != first
    assert guard._process.stdin is not None
    guard._process.stdin.close()  # without a word, as a killed supervisor goes
    assert await asyncio.wait_for(child.wait(), 10) == -signal.SIGTERM


@pytest.mark.parametrize("failing_write", [True, False])
def test_log_survives_a_terminal_that_is_gone(tmp_path: Path, failing_write: bool) -> None:
    terminal = io.StringIO()
    if failing_write:
        terminal.close()
    log = LogSink(tmp_path, "console", terminal)
    log.say("still here")
    log.close()
    assert "still here" in (tmp_path / FILE_NAME).read_text()
