"""What has to stay, however old it is, since models and servers go by it."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from audit_app.retention import keep_newest
from tasks_app.retention import keep_while


def is_last_of_a_model() -> Exists:
    """Of a task: a model shows it, its log and its failure, and offers to do it again."""
    from models_app.models import OllamaModel

    return Exists(OllamaModel.objects.filter(last_task=OuterRef("pk")))


def register() -> None:
    """Make it known; called once, when Django is ready."""
    keep_while(is_last_of_a_model)
    # By this record the panel knows that somebody wants no server: see `models_app.discovery`.
    keep_newest("server.remove")
