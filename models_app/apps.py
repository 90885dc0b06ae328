"""Ollama servers and their models."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModelsConfig(AppConfig):
    """Registers the types of task and the live topics of servers and models."""

    name = "models_app"
    verbose_name = _("Models and servers")

    def ready(self) -> None:
        from models_app import runners, topics  # noqa: F401 - the import registers the runners

        topics.register()
