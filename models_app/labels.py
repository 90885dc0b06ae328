"""What the tasks of servers and models, and their phases, are called in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from models_app.batches.words import Operation
from ollamactl.lib.units import group_digits

if TYPE_CHECKING:
    from tasks_app.models import Task

TASK_TYPES = {
    "model.pull": _("Download"),
    "model.start": _("Start"),
    "model.stop": _("Stop"),
    "model.delete": _("Delete"),
    "model.copy": _("Copy"),
    "model.rename": _("Rename"),
    "model.recreate": _("Recreate"),
    "model.benchmark": _("Benchmark"),
    "model.batch": _("Batch"),
    "model.rollback": _("Roll-back"),
    "model.chat": _("Chat"),
    "models.updates": _("Look for updates"),
    "server.sync": _("Sync"),
    "servers.sync": _("Sync of all servers"),
}
TASK_PHASES = {
    "manifest": _("reading the manifest"),
    "downloading": _("downloading"),
    "verifying": _("verifying"),
    "writing": _("writing"),
    "cleaning": _("cleaning up"),
    "done": _("done"),
    "loading": _("loading into memory"),
    "unloading": _("unloading"),
    "deleting": _("deleting"),
    "copying": _("copying"),
    "creating": _("creating"),
    "prompt": _("reading the prompt"),
    "answering": _("answering the prompt"),
    "reading": _("reading the list of models"),
    "beginning": _("beginning"),
    "asking": _("asking the registries"),
}


def batch_title(task: Task) -> str:
    """What is done with how many models."""
    asked = task.payload
    count = asked.get("count")
    if not isinstance(count, int) or asked.get("operation") not in Operation.values:
        return str(TASK_TYPES[task.type])
    operation = Operation(asked["operation"]).label
    shown = ngettext("%(operation)s: %(count)s model", "%(operation)s: %(count)s models", count)
    return shown % {"operation": operation, "count": group_digits(count)}


def rollback_title(task: Task) -> str:
    """That it undoes something, and how."""
    return f"{TASK_TYPES['model.rollback']} ({batch_title(task)})"


TASK_TITLES = {"model.batch": batch_title, "model.rollback": rollback_title}
