"""Ways to show a task that is followed: a line each, JSON, or only its end. The bar is in `bar`."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from ollamactl.cli.remote.progress_text import is_counted, phase_label, summary
from ollamactl.cli.remote.records import Task
from ollamactl.cli.terminal import clean, is_live, note, print_json

LINE_STEP = 0.1
LINE_EVERY_S = 15.0


class Display(Protocol):
    """Shows a task's news while it is entered; entered again after a question to the user."""

    def __enter__(self) -> Display: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, task: Task) -> None:
        """Show the task as it is now."""

    def notice(self, text: str) -> None:
        """Say something in between."""


class Plain:
    """What every display has in common; by itself it shows only what is said in between."""

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def show(self, task: Task) -> None:
        """Nothing: the end is enough."""

    def notice(self, text: str) -> None:
        """Print it beside the result."""
        note(clean(text))


class Lines(Plain):
    """For files and pipes: a line at each change of phase, at each tenth, and now and then."""

    def __init__(self, subject: str) -> None:
        self._subject = clean(subject)
        self._last = ""
        self._fraction = 0.0
        self._said_at = time.monotonic()

    def show(self, task: Task) -> None:
        """Print what is new enough to be worth a line. How it failed is said at the end."""
        if task.is_ended and task.state != "succeeded":
            return
        label = phase_label(task, self._subject)
        fraction = task.progress.fraction
        step = fraction is not None and fraction - self._fraction >= LINE_STEP
        step = step or time.monotonic() - self._said_at >= LINE_EVERY_S
        if label == self._last and not (step and is_counted(task)):
            return
        self._last = label
        self._fraction = fraction or 0.0
        self._said_at = time.monotonic()
        note(f"{label}: {summary(task.progress)}" if is_counted(task) else label)


class JsonLines(Plain):
    """For programs: one JSON object a line, on stdout."""

    def show(self, task: Task) -> None:
        """Print the state and the progress."""
        progress = vars(task.progress)
        print_json({"event": "task", "id": task.id, "state": task.state, "progress": progress})

    def notice(self, text: str) -> None:
        """Print it as an event too."""
        print_json({"event": "notice", "detail": text})


def display_for(subject: str, *, as_json: bool = False) -> Display:
    """How a pull is shown here: JSON if asked for, a bar on a terminal, else lines."""
    if as_json:
        return JsonLines()
    if is_live():
        from ollamactl.cli.remote.bar import Bar

        return Bar(subject)
    return Lines(subject)


def spinner_for(label: str, *, as_json: bool = False) -> Display:
    """How short work is shown here: a spinner on a terminal, else nothing until its end."""
    if as_json or not is_live():
        return Plain()
    from ollamactl.cli.remote.bar import Spinner

    return Spinner(label)
