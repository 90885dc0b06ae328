"""Standing by a task until its end, and what Ctrl-C means meanwhile."""

from __future__ import annotations

import click

from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.display import Display
from ollamactl.cli.remote.follow import Follower
from ollamactl.cli.remote.records import Task
from ollamactl.cli.terminal import can_ask, clean, note
from ollamactl.cli.text import gettext as _

CANCEL, LEAVE, WATCH = "c", "l", "w"


def watch(panel: Panel, task_id: int, display: Display, *, question: str = "") -> Task:
    """Follow a task to its end, whatever that is.

    With a `question`, Ctrl-C asks whether to cancel it, to leave it running or to watch on;
    without one, and where nobody can answer, it is left running and the command ends with 130.
    """
    while True:
        try:
            with display:
                return Follower(panel, task_id, show=display.show, notice=display.notice).run()
        except KeyboardInterrupt:
            _interrupted(panel, task_id, question)


def _interrupted(panel: Panel, task_id: int, question: str) -> None:
    """Return to watch on; else end the command."""
    answer = _ask(question) if question and can_ask() else LEAVE
    if answer == CANCEL:
        panel.post(f"tasks/{task_id}/cancel/")
        return
    if answer == LEAVE:
        note(_("It goes on at the panel. Watch it: ollamactl tasks watch %d") % task_id)
        raise click.exceptions.Exit(ExitCode.CANCELLED)


def _ask(question: str) -> str:
    """What to do; a second Ctrl-C, an end of input and a bare Enter leave it running."""
    keys = _("[c]ancel it, [l]eave it running, [w]atch on")
    while True:
        try:
            answer = click.prompt(f"{question}\n{keys}", default=LEAVE, show_default=True, err=True)
        except (click.Abort, KeyboardInterrupt):
            note("")
            return LEAVE
        word = str(answer).strip().lower()[:1]
        if word in {CANCEL, LEAVE, WATCH}:
            return word


def require_success(task: Task) -> None:
    """End the command as an ended task ended: `CommandFailed` with its sentence, or 130."""
    if task.state == "succeeded":
        return
    if task.state == "cancelled":
        note(_("Cancelled."))
        raise click.exceptions.Exit(ExitCode.CANCELLED)
    hints = [_("Try again: ollamactl tasks retry %d") % task.id] if task.is_retryable else []
    detail = clean(task.error_detail) or _("The task failed; the panel does not say why.")
    raise CommandFailed(detail, hints=hints)
