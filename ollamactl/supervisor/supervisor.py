"""The running panel: its processes from the first to the last."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator

from ollamactl.cli.text import gettext as _
from ollamactl.settings.env import Config
from ollamactl.supervisor.bootstrap import run_bootstrap
from ollamactl.supervisor.environment import child_environment
from ollamactl.supervisor.guard import Guard
from ollamactl.supervisor.leftovers import MARK
from ollamactl.supervisor.log_sink import FILE_NAME, LogSink
from ollamactl.supervisor.outside import wait_for_outside
from ollamactl.supervisor.preparation import is_prepared, note_prepared
from ollamactl.supervisor.problems import StartError
from ollamactl.supervisor.process import ManagedProcess, ProcessSpec
from ollamactl.supervisor.readiness import ask_readiness
from ollamactl.supervisor.stack import (
    choose_simulator_port,
    simulator_spec,
    valkey_spec,
    web_spec,
    worker_spec,
)
from ollamactl.supervisor.valkey import valkey_answers

# Everything ends within 5 s of SIGTERM: the worker's release first, then Valkey, which it needs.
WORKER_SECONDS = 3.5
VALKEY_SECONDS = 0.6
KILL_SECONDS = 0.4
# A process that never came up ends the start after so many tries.
TRIES = 4
VALKEY_START_SECONDS = 20.0
SLOW_START_SECONDS = 15.0
QUICK_POLL, SLOW_POLL = 0.1, 1.0


class Supervisor:
    """Starts the processes in order, watches them, and ends them."""

    def __init__(
        self, config: Config, log: LogSink, listener: socket.socket, *, demo: bool
    ) -> None:
        self.config = config
        self.log = log
        self.environment = child_environment(config, os.environ)
        self._listener = listener
        self._log_file = config.logs_dir / FILE_NAME
        self._demo = demo
        self._processes: dict[str, ManagedProcess] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._ready = False
        self._stop: asyncio.Event
        self._guard: Guard

    async def run(self) -> None:
        """From the first process to the last."""
        self._stop = asyncio.Event()
        guarded = {key: value for key, value in self.environment.items() if key != MARK}
        self._guard = Guard(guarded)
        with self._signals():
            work = asyncio.create_task(self._start_and_watch())
            stopped = asyncio.create_task(self._stop.wait())
            try:
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                work.cancel()
                stopped.cancel()
                await asyncio.wait({work})
                await self._end_all()
                self._guard.close()
            if not work.cancelled():
                work.result()

    async def _start_and_watch(self) -> None:
        self._warn_about_plain_http()
        await wait_for_outside(self.config)
        if not self.config.valkey_url:
            self._start(valkey_spec(self.config, self.environment))
        demo_url = self._start_demo() if self._demo else ""
        if not is_prepared(self.config, demo_url):
            self.log.say("preparing the database")
            await run_bootstrap(self.environment, self.log, demo_url)
            note_prepared(self.config, demo_url)
        await self._wait_for_valkey()
        self._start(web_spec(self.config, self.environment, self._adoptable_listener()))
        for number in range(1, self.config.workers + 1):
            self._start(worker_spec(self.environment, number))
        await self._announce_when_ready()
        await asyncio.Event().wait()

    def _start(self, spec: ProcessSpec) -> None:
        process = ManagedProcess(spec, self.log, self._guard)
        self._processes[spec.name] = process
        self._runs[spec.name] = asyncio.create_task(process.run())

    def _start_demo(self) -> str:
        port = choose_simulator_port(self.config.run_dir)
        self._start(simulator_spec(self.config, self.environment, port))
        return f"http://127.0.0.1:{port}"

    def _adoptable_listener(self) -> socket.socket | None:
        # Daphne takes over a socket of IPv4 alone; for IPv6 it opens its own.
        if self._listener.family == socket.AF_INET:
            return self._listener
        self._listener.close()
        return None

    async def _wait_for_valkey(self) -> None:
        if self.config.valkey_url:
            return
        deadline = time.monotonic() + VALKEY_START_SECONDS
        while not valkey_answers(self.config.valkey_socket):
            self._check_first_start()
            if time.monotonic() > deadline:
                raise StartError(
                    _("Valkey does not answer on %(socket)s; its log is in %(log)s.")
                    % {"socket": self.config.valkey_socket, "log": self._log_file}
                )
            await asyncio.sleep(0.01)

    async def _announce_when_ready(self) -> None:
        started = time.monotonic()
        told = False
        while True:
            answer = await ask_readiness(self._listener_address())
            if answer.ready:
                break
            self._check_first_start()
            if not told and time.monotonic() - started > SLOW_START_SECONDS:
                told = True  # and from now on ask less often
                self.log.say(f"still not ready: {answer.detail}", "warning")
            await asyncio.sleep(SLOW_POLL if told else QUICK_POLL)
        self._ready = True
        lines = [_("ollamactl is ready: %(url)s/") % {"url": self.config.base_url}]
        password = self.config.home / "initial-password"
        if password.exists():
            lines.append(_("Log in as “admin”; the password is in %(path)s") % {"path": password})
        self.log.announce(*lines)

    def _listener_address(self) -> tuple[str, int]:
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
        return anywhere.get(self.config.bind_host, self.config.bind_host), self.config.bind_port

    def _check_first_start(self) -> None:
        """Before the panel was ready once, a process that keeps ending is an error of the start."""
        for process in self._processes.values():
            if not self._ready and process.failures >= TRIES:
                raise StartError(
                    _("The process “%(name)s” does not start: %(reason)s (more in %(log)s)")
                    % {
                        "name": process.spec.name,
                        "reason": process.last_line,
                        "log": self._log_file,
                    }
                )

    def _warn_about_plain_http(self) -> None:
        if not self.config.is_on_loopback and not self.config.public_url.startswith("https://"):
            self.log.say(
                _(
                    "The panel listens on %(host)s over plain HTTP: passwords can be read on the "
                    "way. Put an HTTPS proxy before it and set OLLAMACTL_PUBLIC_URL."
                )
                % {"host": self.config.bind_host},
                "warning",
            )

    async def _end_all(self) -> None:
        await self._end(set(self._processes) - {"valkey"}, WORKER_SECONDS)
        await self._end(set(self._processes) & {"valkey"}, VALKEY_SECONDS)

    async def _end(self, names: set[str], seconds: float) -> None:
        if not names:
            return
        for name in names:
            self._processes[name].stop()
        runs = {name: self._runs[name] for name in names}
        await asyncio.wait(runs.values(), timeout=seconds)
        for name, run in runs.items():
            if not run.done():
                self.log.say(f"{name} did not end in time and is killed", "warning")
                self._processes[name].kill()
        _, stuck = await asyncio.wait(runs.values(), timeout=KILL_SECONDS)
        for run in stuck:
            run.cancel()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._asked_to_stop)
        yield
        for number in numbers:
            loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            # Asked twice: at once.
            for process in self._processes.values():
                process.kill()
            return
        self.log.say("stopping")
        self._stop.set()
