"""Ollama servers and their models."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModelsConfig(AppConfig):
    """Registers the types of task and the live topics of servers and models."""

    name = "models_app"
    verbose_name = _("Models and servers")

    def ready(self) -> None:
        from models_app import (
            labels,
            left_out,
            results,
            retention,
            runners,  # noqa: F401 - the import registers the runners
            task_places,
            topics,
        )
        from models_app.chat import events as chat_events
        from models_app.search import installing
        from tasks_app.labels import register_labels, register_titles
        from tasks_app.left_out import register_left_out
        from tasks_app.places import register_places
        from tasks_app.results import register_results

        topics.register()
        chat_events.register()
        retention.register()
        installing.register(self)
        register_labels(labels.TASK_TYPES, labels.TASK_PHASES)
        register_titles(labels.TASK_TITLES)
        register_results(results.DESCRIBERS)
        register_places(task_places.PLACERS)
        register_left_out(left_out.TELLERS)
