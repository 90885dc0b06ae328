"""Types of task for the tests. Each effect is one line in a file: `<task> <epoch>`."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from tasks_app.choices import Unit
from tasks_app.models import Task
from tasks_app.runners import RetryPolicy, Runner, Stopped, TaskFailed, register
from tasks_app.slots import CONTROL


def note(path: str, line: str) -> None:
    """Add one line, whole, whoever else writes."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{line}\n".encode())
    finally:
        os.close(handle)


def settled(task_id: int) -> list[str]:
    """The states with which `settle` was called for a task, in order."""
    path = Path(os.environ["OLLAMACTL_HOME"]) / f"settled-{task_id}"
    return path.read_text().split() if path.exists() else []


class Toy(Runner):
    """Writes down each state that it is told to settle, and that it began."""

    @classmethod
    def settle(cls, task: Task) -> None:
        note(str(Path(os.environ["OLLAMACTL_HOME"]) / f"settled-{task.pk}"), task.state)

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return ["toys"]

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        return int(limit_key.rpartition(":")[2]) if limit_key else None

    def effect(self, name: str) -> None:
        """Leave a trace in the file that the payload names."""
        path = self.task.payload.get("effects")
        if path:
            note(path, f"{name} {self.task.pk} {self.task.epoch} {time.time():.3f}")


@register
class Quick(Toy):
    """Done at once."""

    type = "toy.quick"

    def work(self) -> dict[str, Any] | None:
        self.effect("begin")
        self.run.log("hello")
        self.run.progress(done=3, total=3, unit=Unit.BYTES, phase="counting")
        self.effect("end")
        return {"answer": 42}


@register
class Control(Quick):
    """Done at once, by a thread that long work leaves free."""

    type = "toy.control"
    queue = CONTROL


@register
class Streaming(Toy):
    """Counts on the event loop until `steps`, or until the file `gate` is there."""

    type = "toy.stream"
    queue = "pulls"
    pausable = True

    def work(self) -> dict[str, Any] | None:
        self.effect("begin")
        count = self.run.stream(self._count())
        self.effect("end")
        return {"count": count}

    async def _count(self) -> int:
        payload = self.task.payload
        gate = Path(payload["gate"]) if payload.get("gate") else None
        try:
            self.effect("flow")
            for step in range(1, payload.get("steps", 1_000_000) + 1):
                self.run.progress(done=step, total=payload.get("total"), unit=Unit.BYTES)
                if gate is not None and gate.exists():
                    return step
                await asyncio.sleep(payload.get("pause", 0.02))
            return step
        except (asyncio.CancelledError, Stopped):
            self.effect("stopped")
            raise


@register
class Blocking(Toy):
    """Waits in its own thread, and asks whether it has to stop."""

    type = "toy.block"
    pausable = True

    def work(self) -> dict[str, Any] | None:
        self.effect("begin")
        gate = Path(self.task.payload["gate"])
        while not gate.exists():
            self.run.check()
            self.run.stopping.wait(0.02)
        self.effect("end")
        return None


@register
class Deaf(Toy):
    """Waits for the gate and hears nothing else."""

    type = "toy.deaf"

    def work(self) -> dict[str, Any] | None:
        self.effect("begin")
        gate = Path(self.task.payload["gate"])
        while not gate.exists():
            time.sleep(0.02)
        return None


@register
class Failing(Toy):
    """Fails as the payload says, until the attempt that is to succeed."""

    type = "toy.fail"
    retry = RetryPolicy(attempts=3, backoff=0.2, longest=1.0)

    def work(self) -> dict[str, Any] | None:
        self.effect("begin")
        kind = self.task.payload.get("kind", "retryable")
        if self.task.attempt >= self.task.payload.get("succeeds_at", 1000):
            return {"attempt": self.task.attempt}
        if kind == "unexpected":
            raise ZeroDivisionError("secret detail")
        raise TaskFailed("The toy is broken.", code="broken", retryable=kind == "retryable")


@register
class Family(Toy):
    """Makes one child for each payload in `children`, once, and lets them work."""

    type = "toy.family"
    has_parts = True

    def work(self) -> dict[str, Any] | None:
        from audit_app.actors import SYSTEM
        from tasks_app.services import create_task

        self.effect("begin")
        have = self.task.children.count()
        for child in self.task.payload["children"][have:]:
            create_task(actor=SYSTEM, parent=self.task, type=child["type"], payload=child)
        return {"planned": len(self.task.payload["children"])}
