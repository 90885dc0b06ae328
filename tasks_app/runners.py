"""What a type of task is made of: one small class in its app's `runners.py`, registered here.

@register
class PullRunner(Runner):
    type = "model.pull"
    ...
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Protocol, TypeVar

from audit_app.actors import Actor
from ollamactl.lib.errors import ApplicationError
from tasks_app.choices import Unit
from tasks_app.models import Task

T = TypeVar("T")


class TaskFailed(ApplicationError):
    """The work cannot go on. `retryable` says whether a later attempt can help."""

    code = "failed"

    def __init__(self, detail: object, *, code: str, retryable: bool = False) -> None:
        super().__init__(detail, code=code)
        self.retryable = retryable


class WorkPaused(ApplicationError):
    """The work must not go on for now: the task is paused with this sentence until somebody resumes
    it. What has been done stays."""

    code = "paused"


class Stopped(Exception):
    """The work has to end now: cancelled, paused, released at shutdown, or the lease is lost."""


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed attempt is followed by another: `backoff` seconds, doubled, jittered.

    `codes`: the errors after which it is, of those that are worth it; None for all of those.
    """

    attempts: int = 1
    backoff: float = 2.0
    longest: float = 300.0
    codes: frozenset[str] | None = None

    def allows(self, error: Mapping[str, Any], attempt: int) -> bool:
        """Whether this error of the attempt with this number is followed by another attempt."""
        wanted = self.codes is None or error["code"] in self.codes
        return bool(error["retryable"]) and wanted and attempt < self.attempts


class Run(Protocol):
    """One attempt at one task, as its runner sees it. Every method raises `Stopped` when due."""

    task: Task
    stopping: threading.Event

    def log(self, line: str) -> None:
        """Add one line to the task's log file and to its live log."""

    def progress(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        unit: Unit = Unit.NONE,
        phase: str = "",
        rate: float | None = None,
    ) -> None:
        """Say how far the work is. Cheap: call it as often as there is news, from any thread.

        What is left out stays as it was; a rate is measured where none is given.
        """

    def check(self) -> None:
        """Raise `Stopped` if the work has to end."""

    def stream(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the process's one event loop and wait for its result.

        The database connection of this thread is closed first. When the task has to stop, the
        coroutine is cancelled, which closes its upstream connection, and `Stopped` is raised.
        """


class Runner(ABC):
    """The work of one type of task, done once by one attempt."""

    type: ClassVar[str]
    payload_version: ClassVar[int] = 1
    queue: ClassVar[str] = "default"
    permission: ClassVar[str] = ""
    """What whoever retries such a task must be permitted, beside retrying."""
    retry: ClassVar[RetryPolicy] = RetryPolicy()
    pausable: ClassVar[bool] = False
    has_parts: ClassVar[bool] = False
    """Whether it makes children; a task's page has a place for them from the start then."""
    notifies: ClassVar[bool] = True
    """Whether its maker gets a notice of its end; not where they watch it anyway."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.task = run.task

    @abstractmethod
    def work(self) -> dict[str, Any] | None:
        """Do the work; return the result (JSON). Raise `TaskFailed` with a sentence for people.

        It may be repeated at any moment: a crash, a lost lease or a retry starts it again.
        """

    @classmethod
    def settle(cls, task: Task) -> None:
        """Bring the rows of the task's resource in line with `task.state`.

        Called inside the transaction of every change of state of the task (queued, running,
        paused, retried, and each end), by whichever process makes it: so the two never disagree.
        An `ApplicationError` refuses the new state: people see it, a worker's task fails with it.
        """
        return

    @classmethod
    def settle_all(cls, tasks: Sequence[Task]) -> None:
        """`settle` for several tasks of this type. Who can do that in a few statements says so
        here, and lets `settle` be the case of one."""
        for task in tasks:
            cls.settle(task)

    @classmethod
    def retried(cls, task: Task) -> None:
        """A person retries it: called in the transaction that queues it again."""
        return

    @classmethod
    def offers_rollback(cls, task: Task) -> bool:
        """Whether what this task has done can be undone; from its row alone."""
        return False

    @classmethod
    def roll_back(cls, task: Task, actor: Actor) -> Task:
        """Queue the task that undoes it, in the caller's transaction."""
        raise NotImplementedError

    @classmethod
    def retry_policy(cls) -> RetryPolicy:
        """The policy that holds now; here the database may be asked."""
        return cls.retry

    @classmethod
    def overall_limit(cls) -> int | None:
        """How many tasks of this type may run at once, whatever their `limit_key`; None for any
        number. With 0 none begins."""
        return None

    @classmethod
    def limit(cls, limit_key: str) -> int | None:
        """How many tasks with this `limit_key` may run at once; None for no limit."""
        return None

    @classmethod
    def limits(cls, limit_keys: Collection[str]) -> dict[str, int | None]:
        """`limit` for several keys. Who can look them up in a few statements says so here."""
        return {key: cls.limit(key) for key in limit_keys}

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        """Live topics beside `tasks` and `task:<id>` that want this task's events."""
        return []


_runners: dict[str, type[Runner]] = {}


def register(runner: type[Runner]) -> type[Runner]:
    """Make a type of task known (a class decorator)."""
    _runners[runner.type] = runner
    return runner


def runner_of(task_type: str) -> type[Runner] | None:
    """The runner of a type of task; None where its app is gone."""
    return _runners.get(task_type)


def registered_types() -> list[str]:
    """Every known type of task, sorted."""
    return sorted(_runners)


def longest_backoff() -> timedelta:
    """The longest pause between two attempts that any type of task asks for, without jitter."""
    policies = (runner.retry_policy() for runner in _runners.values())
    return timedelta(seconds=max((policy.longest for policy in policies), default=0))
