"""The panel's answer to work that was queued."""

from __future__ import annotations

from ollamactl.cli.failures import CommandFailed
from ollamactl.cli.remote.client import Json
from ollamactl.cli.remote.records import Task, object_of
from ollamactl.cli.text import gettext as _


def accepted_task(answer: Json) -> Task:
    """The task in the answer to work that was queued."""
    task = Task.of(object_of(answer, "task"))
    if not task.id:
        raise CommandFailed(_("The panel accepted this, but names no task. Look in: ollamactl ls"))
    return task
