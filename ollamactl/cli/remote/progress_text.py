"""What a task does and how far it is, in words."""

from __future__ import annotations

from ollamactl.cli.remote.records import Progress, Task
from ollamactl.cli.terminal import clean
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_duration, format_rate, format_size, group_thousands

BYTES, ITEMS = "bytes", "items"
# What a task does before it has said so.
FIRST_PHASES = {"model.pull": "manifest", "model.start": "loading", "model.stop": "unloading"}


def is_counted(task: Task) -> bool:
    """Whether the task is at a phase whose bytes or parts are worth showing."""
    progress = task.progress
    if progress.unit == ITEMS:
        return task.state == "running" and bool(progress.total)
    return task.state == "running" and progress.unit == BYTES and progress.phase == "downloading"


def phase_label(task: Task, subject: str) -> str:
    """What the task is doing, in Ollama's words where Ollama has some."""
    if task.state == "queued":
        return _("waiting in the queue")
    if task.state == "paused":
        return _("paused")
    if is_counted(task) and task.progress.unit == ITEMS:
        return subject
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
    if progress.rate and progress.unit != ITEMS:
        parts.append(format_rate(progress.rate))
    if progress.eta_seconds is not None:
        parts.append(_("%(time)s left") % {"time": format_duration(progress.eta_seconds)})
    return ", ".join(parts)


def size_text(progress: Progress) -> str:
    """`850 MB/2.0 GB` or `12/2,000`, or only what is done."""
    if progress.unit == ITEMS:
        done = group_thousands(progress.done or 0)
        return f"{done}/{group_thousands(progress.total)}" if progress.total else done
    done = format_size(progress.done or 0)
    return f"{done}/{format_size(progress.total)}" if progress.total else done
