"""What the tasks of servers and models, and their phases, are called in pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

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
    "answering": _("answering the prompt"),
    "reading": _("reading the list of models"),
    "beginning": _("beginning"),
}
