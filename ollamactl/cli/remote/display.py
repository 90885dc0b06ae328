"""Ways to show a task that is followed: a line each, JSON, or only its end. The bar is in `bar`."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from ollamactl.cli.remote.records import Progress, Task
from ollamactl.cli.terminal import clean, is_live, note, print_json
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_duration, format_rate, format_size

BYTES = "bytes"
# What a task does before it has said so.
FIRST_PHASES = {"model.pull": "manifest", "model.start": "loading", "model.stop": "unloading"}
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


def is_counted(task: Task) -> bool:
    """Whether the task is at a phase whose bytes are worth showing."""
    progress = task.progress
    return task.state == "running" and progress.unit == BYTES and progress.phase == "downloading"


def phase_label(task: Task, subject: str) -> str:
    """What the task is doing, in Ollama's words where Ollama has some."""
    if task.state == "queued":
        return _("waiting in the queue")
    if task.state == "paused":
        return _("paused")
    phase = task.progress.phase or FIRST_PHASES.get(task.type, "")
    labels = {
        "": _("starting"),
        "manifest": _("pulling manifest"),
        "downloading": _("pulling %(name)s") % {"name": subject},
        "verifying": _("verifying sha256 digest"),
        "writing": _("writing manifest"),
        "cleaning": _("removing unused layers"),
        "done": _("success"),
        "loading": _("loading %(name)s") % {"name": subject},
        "unloading": _("stopping %(name)s") % {"name": subject},
    }
    return labels.get(phase) or clean(phase, 64)


def summary(progress: Progress) -> str:
    """`42% (850 MB of 2.0 GB), 12 MB/s, 1m3s left`, as much of it as is known."""
    amount = size_text(progress)
    if progress.fraction is not None:
        amount = f"{int(progress.fraction * 100)}% ({amount})"
    parts = [amount]
    if progress.rate:
        parts.append(format_rate(progress.rate))
    if progress.eta_seconds is not None:
        parts.append(_("%(time)s left") % {"time": format_duration(progress.eta_seconds)})
    return ", ".join(parts)


def size_text(progress: Progress) -> str:
    """`850 MB/2.0 GB`, or only what is done."""
    done = format_size(progress.done or 0)
    return f"{done}/{format_size(progress.total)}" if progress.total else done
