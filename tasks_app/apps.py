"""Every long operation: rows, queue, progress, logs and live events."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.bulk import allow_many_parameters


class TasksConfig(AppConfig):
    """Registers the topics of tasks."""

    name = "tasks_app"
    verbose_name = _("Tasks")

    def ready(self) -> None:
        from tasks_app import topics

        topics.register()
        connection_created.connect(allow_many_parameters, dispatch_uid="many parameters")
