"""One process that the supervisor keeps running."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ollamactl.supervisor.guard import Guard
from ollamactl.supervisor.log_sink import LogSink
from ollamactl.supervisor.records import MAX_LINE, parse_line

# Seconds to wait before the first, second, ... start in a row.
BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# One that ran for so long is well: the next failure begins a new row.
STEADY_SECONDS = 30.0
READ_BYTES = 65_536


@dataclass(frozen=True)
class ProcessSpec:
    """What to run.

    Lines with one of `ignored` in them are not logged. `before_restart` may mend what keeps it from
    starting: it gets how many starts in a row have failed, and returns a sentence on what it did.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    inherited: tuple[int, ...] = ()
    ignored: tuple[str, ...] = ()
    before_restart: Callable[[int], str | None] = lambda failures: None


class ManagedProcess:
    """Runs a spec in a session of its own and starts it again whenever it ends."""

    def __init__(self, spec: ProcessSpec, log: LogSink, guard: Guard) -> None:
        self.spec = spec
        self.failures = 0
        """How many starts in a row have ended early."""
        self.last_line = ""
        """What it said last: the likely reason of its end."""
        self._log = log
        self._guard = guard
        self._stopping = asyncio.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Keep the process running until `stop`."""
        while not self._stopping.is_set():
            started = time.monotonic()
            status = await self._run_once()
            if self._stopping.is_set():
                return
            if time.monotonic() - started > STEADY_SECONDS:
                self.failures = 0
            delay = BACKOFF[min(self.failures, len(BACKOFF) - 1)]
            self.failures += 1
            self._log.say(
                f"{self.spec.name} ended ({describe_status(status)}); "
                f"starting it again in {delay:g} s",
                "warning",
            )
            done = self.spec.before_restart(self.failures)
            if done:
                self._log.say(done, "warning")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask the process to end, for good. The leader alone is asked: it ends its own children
        in order; what is left of its group is killed when it has gone."""
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole group at once."""
        self._stopping.set()
        if self._process is not None:
            _kill_group(self._process.pid)

    async def _run_once(self) -> int:
        try:
            process = self._spawn()
        except OSError as error:
            self.last_line = f"{self.spec.command[0]}: {error.strerror}"
            self._log.say(f"{self.spec.name} cannot be started: {self.last_line}", "error")
            return 127
        self._process = process
        self._guard.add(process.pid)
        if self._stopping.is_set():
            self.stop()
        reader = asyncio.create_task(self._read_output(process))
        # A thread of its own for each: the default pool is small, and these wait for ever.
        status = await _wait_in_thread(process)
        # Children of its own would hold on to ports, files and the pipe.
        _kill_group(process.pid)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await reader
        self._guard.drop(process.pid)
        self._process = None
        return status

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.spec.command,
            env=dict(self.spec.environment),
            cwd=self.spec.folder,
            pass_fds=self.spec.inherited,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    async def _read_output(self, process: subprocess.Popen[bytes]) -> None:
        reader = asyncio.StreamReader(limit=READ_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), process.stdout
        )
        try:
            async for line in _lines(reader):
                if not line.strip() or any(text in line for text in self.spec.ignored):
                    continue
                record = parse_line(self.spec.name, line)
                self.last_line = record.message or self.last_line
                self._log.write(record)
        finally:
            transport.close()


def describe_status(status: int) -> str:
    """``signal SIGKILL`` or ``status 1``."""
    if status >= 0:
        return f"status {status}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-status).name}"
    return f"signal {-status}"


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    rest = b""
    while chunk := await reader.read(READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
        if len(rest) > MAX_LINE:
            yield rest.decode(errors="replace")
            rest = b""
    if rest:
        yield rest.decode(errors="replace")


async def _wait_in_thread(process: subprocess.Popen[bytes]) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def wait() -> None:
        status = process.wait()
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set_result, status)

    threading.Thread(target=wait, name=f"wait-{process.pid}", daemon=True).start()
    return await ended


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
