"""The project's own app configurations."""

from __future__ import annotations

import os

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from ollamactl.supervisor.stack import WITHOUT_PAGES


class ProjectConfig(AppConfig):
    """Management commands, checks and templates of the project itself."""

    name = "ollamactl"
    label = "ollamactl_project"

    def ready(self) -> None:
        from ollamactl import celery  # noqa: F401 - wake-ups are sent by this Celery


class PanelAdminConfig(AdminConfig):
    """The admin, mounted at the root with the panel's own pages.

    A worker shows no page: there nothing of the admin is loaded.
    """

    default_site = "ollamactl.site.PanelSite"

    def ready(self) -> None:
        if WITHOUT_PAGES not in os.environ:
            super().ready()
