"""A simulator on a thread of its own, for tests and for whoever runs one inside a process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from ollamactl.simulator.app import Simulator
from ollamactl.simulator.settings import Settings

T = TypeVar("T")

_PATIENCE = 10.0  # seconds


class Control:
    """Orders to a running simulator, from any thread."""

    def __init__(self, running: RunningSimulator) -> None:
        self._running = running

    def fault(self, kind: str, **details: Any) -> None:
        """Make requests fail; the details are those of `faults.Fault`."""
        self._apply(faults=[{"kind": kind, **details}])

    def clear(self) -> None:
        """Forget all failures."""
        self._apply(clear=True)

    def speed(self, bytes_per_second: float) -> None:
        """Another speed for every download, now and later; 0 is a standstill."""
        self._apply(speed=bytes_per_second)

    def publish(self, name: str, size: int, *, family: str = "llama", version: int = 1) -> None:
        """Offer a model of `size` bytes in the registry; `family="bert"` makes it embed only."""
        offer = {"name": name, "size": size, "family": family, "version": version}
        self._apply(publish=[offer])

    def withdraw(self, name: str) -> None:
        """Take a model out of the registry."""
        self._apply(withdraw=[name])

    def install(self, *names: str) -> None:
        """Put models of the registry on the server, without a pull."""
        self._apply(install=list(names))

    def remove(self, *names: str) -> None:
        """Delete models from the server, as somebody else would."""
        self._apply(remove=list(names))

    def counters(self) -> dict[str, Any]:
        """See `Simulator.counters`."""
        return self._running.call(lambda simulator: simulator.counters())

    def pulls(self, name: str) -> dict[str, int]:
        """How often pulls of a shown name (`llama3.2:latest`) have started and how they ended."""
        counts: dict[str, int] = self.counters()["pulls"].get(name, {})
        return counts

    def _apply(self, **order: Any) -> None:
        self._running.call(lambda simulator: simulator.control.apply(order))


class RunningSimulator:
    """`url` and `registry_url` have no slash at their end; the port survives `stop` and `start`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._simulator: Simulator | None = None
        self.control = Control(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def registry_url(self) -> str:
        return self.url

    @property
    def registry_host(self) -> str:
        """Host and port for names such as `127.0.0.1:5000/library/x`, pulled with `insecure`."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Serve. A simulator with a state folder finds what it had; others begin anew."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="simulator", daemon=True
        )
        self._thread.start()
        simulator = Simulator(self._settings)
        self._port = self._wait(simulator.start(port=self._port))
        self._simulator = simulator

    def stop(self) -> None:
        """Break off every connection and stop listening, as a killed server does."""
        if self._loop is None or self._thread is None:
            return
        if self._simulator is not None:
            self._wait(self._simulator.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()
        self._loop = self._thread = self._simulator = None

    def call(self, action: Callable[[Simulator], T]) -> T:
        """Run `action(simulator)` on the simulator's own thread and give its result back."""
        simulator = self._simulator
        if simulator is None:
            raise RuntimeError("the simulator is stopped")

        async def act() -> T:
            return action(simulator)

        return self._wait(act())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            raise RuntimeError("the simulator is stopped")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)


@contextmanager
def running_simulator(**settings: Any) -> Iterator[RunningSimulator]:
    """A simulator for a `with` block; the keywords are the fields of `Settings`.

    Made for tests: fast unless told otherwise, with its control open.
    """
    fast = Settings(
        speed=1e9,
        load_speed=50e9,
        verify_speed=100e9,
        unload_seconds=0.02,
        tokens_per_second=500.0,
        control=True,
    )
    running = RunningSimulator(replace(fast, **settings))
    try:
        running.start()
        yield running
    finally:
        running.stop()
