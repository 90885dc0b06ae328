"""One panel in the middle of many pulls, and what can be done to it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from chaos.history import ENDED, History
from chaos.page import WatchedPage, watched_page
from chaos.upstream import Upstream
from tests.components.inventory import MissingComponent
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api, Json

READY_SECONDS = 90
# Pulls would take so long: a fault meets all of them in the middle.
SLOWLY = 300.0
END_SECONDS = 240


@dataclass(frozen=True)
class Options:
    """What all scenarios of a run have in common. `pulls`: how many at once."""

    seed: int
    pulls: int
    patience: float = 1.0
    quick: bool = False

    @property
    def hold(self) -> float:
        """Seconds that a state lasts which has to last."""
        return 4.0 if self.quick else 15.0


@dataclass(frozen=True)
class Death:
    """Of the worker: when, by the panel's clock, and how many changes had been noted until then."""

    at: float
    changes: int


@dataclass
class Stage:
    """`tasks` are the ids of the pulls by the name of their model."""

    upstream: Upstream
    panel: PanelProcess
    api: Api
    random: random.Random
    folder: Path
    history: History
    tasks: dict[str, int] = field(default_factory=dict)
    page: WatchedPage | None = None
    patience: float = 1.0
    """How many times longer than usual everything may take on this machine."""
    clock_shift: float = 0.0
    """How far the panel's clock is from the machine's, in seconds."""
    death: Death | None = None
    notes: list[str] = field(default_factory=list)

    def rows(self) -> list[Json]:
        """The tasks as the API has them now."""
        wanted = set(self.tasks.values())
        return [row for row in self.api.all("tasks/", type="model.pull") if row["id"] in wanted]

    def are_in_the_middle(self) -> bool:
        """Whether every pull runs and has come somewhere."""
        rows = self.rows()
        return all(row["state"] == "running" and (row["progress"]["done"] or 0) > 0 for row in rows)

    def states(self) -> str:
        """How many pulls are in which state, and how many have come somewhere."""
        rows = self.rows()
        moving = sum((row["progress"]["done"] or 0) > 0 for row in rows)
        return f"{dict(Counter(row['state'] for row in rows))}, {moving} with progress"

    def are_all(self, state: str) -> bool:
        """Whether every pull is in this state."""
        return all(row["state"] == state for row in self.rows())

    def have_ended(self) -> bool:
        """Whether every pull is over, however. A panel that restarts has no answer yet."""
        try:
            return all(row["state"] in ENDED for row in self.rows())
        except httpx.TransportError:
            return False

    def limit(self, **limits: int) -> int:
        """Set limits of the panel's only server, whose id is returned."""
        (server,) = self.api.all("servers/")
        number = int(server["id"])
        self.api.call("PATCH", f"servers/{number}/", json={"limits": limits}).raise_for_status()
        return number

    def tell_all(self, verb: str) -> None:
        """`resume` or `retry` every pull."""
        for task in self.tasks.values():
            self.api.post(f"tasks/{task}/{verb}/")

    def note_errors(self) -> None:
        """Note two of the sentences that the pulls have by now."""
        details = {row["error"]["detail"] for row in self.rows() if row["error"]}
        self.notes.append(f"said: {sorted(details)[:2]}")

    def pull_all(self, count: int) -> None:
        """Begin the pulls, slowly, and wait until all are in the middle."""
        names = self.upstream.offer(count)
        self.upstream.pace(SLOWLY, count)
        server = self.limit(max_downloads=count)

        def pull(name: str) -> int:
            answer = self.api.post("models/", {"name": name, "server": server})
            return int(answer["task"]["id"])

        with ThreadPoolExecutor(8) as pool:
            self.tasks = dict(zip(names, pool.map(pull, names), strict=True))
        self.wait(self.are_in_the_middle, "all pulls are in the middle", READY_SECONDS)

    def finish(self) -> None:
        """Let everything go on, as fast as it can, until all have ended."""
        self.upstream.pace(None, len(self.tasks))
        wait_until(self.panel.is_ready, "the panel is ready again", READY_SECONDS)
        self.wait(self.have_ended, "all pulls have ended", END_SECONDS)

    def wait(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Ask the panel until it is so, and not so often that it is busy with nothing else."""
        deadline = time.monotonic() + seconds * self.patience
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain until {what}: {self.states()}")
            time.sleep(0.25)

    def kill(self, *names: str) -> None:
        """SIGKILL to children of the panel's, all at one time."""
        processes = self.panel.processes()
        # Valkey may be between two lives in a run of many faults.
        there = [processes[name] for name in names if name in processes]
        if "worker" in names:
            self.note_death()
        for process in there:
            process.kill()
        psutil.wait_procs(there, timeout=5)

    def note_death(self) -> None:
        """The worker is about to be killed."""
        self.death = Death(time.time() + self.clock_shift, len(self.history.changes()))

    def kill_supervisor(self) -> None:
        """SIGKILL to the supervisor alone, and a start as by the machine's own supervisor."""
        self.note_death()
        self.panel.signal(signal.SIGKILL)
        self.panel.wait()
        self.panel.start()

    def stop_machine(self) -> None:
        """Everything ends in the same moment, without a word; then everything starts."""
        self.note_death()
        for process in self.panel.everything():
            process.kill()
        self.upstream.kill()
        self.upstream.kill_registry()
        self.panel.wait()
        wait_until(lambda: not self.panel.everything(), "nothing of the panel lives")
        self.upstream.start_registry()
        self.upstream.start()
        self.panel.start()

    @property
    def valkey_socket(self) -> str:
        """Where the embedded Valkey answers."""
        return os.fspath(self.panel.home / "run" / "valkey.sock")


@contextmanager
def running_stage(
    upstream: Upstream,
    folder: Path,
    options: Options,
    prepare: Callable[[PanelProcess], Any] = lambda panel: None,
    home: Path | None = None,
) -> Iterator[Stage]:
    """A ready panel of its own beside `upstream`. `prepare` changes it before its start."""
    with ExitStack() as stack:
        panel = PanelProcess(
            home or folder / "h",
            prepared=True,
            OLLAMACTL_OLLAMA_URL=upstream.url,
            OLLAMACTL_LANGUAGE="en",
            **upstream.settings,
        )
        stack.enter_context(panel)
        prepare(panel)
        panel.start()
        api = stack.enter_context(Api.log_in(panel))
        wait_until(lambda: api.all("servers/"), "the panel has found its Ollama", READY_SECONDS)
        api.wait_for_server(api.all("servers/")[0]["id"], timeout=READY_SECONDS)
        chosen = random.Random(options.seed)
        history = History(panel.home)
        yield Stage(upstream, panel, api, chosen, folder, history, patience=options.patience)


@contextmanager
def somebody_watching(stage: Stage) -> Iterator[None]:
    """With the page open where this machine has a Chromium."""
    with ExitStack() as stack:
        try:
            stage.page = stack.enter_context(watched_page(stage.panel))
        except MissingComponent as error:
            stage.notes.append(f"no page was watched: {error}")
        yield
        stage.page = None
