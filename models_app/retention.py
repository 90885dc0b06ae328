"""What of models, servers and chats has to stay, however old it is, and what may go."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from audit_app.retention import in_order, keep_newest
from ollamactl.lib.retention import Removable
from tasks_app.retention import also_remove, keep_while


def is_last_of_a_model() -> Exists:
    """Of a task: a model shows it, its log and its failure, and offers to do it again."""
    from models_app.models import OllamaModel

    return Exists(OllamaModel.objects.filter(last_task=OuterRef("pk")))


def old_records() -> Iterable[Removable]:
    """The use of models and the chats that have had their time by now."""
    from models_app.chat.ageing import unused_chats
    from models_app.models import ModelUse

    now, kept = timezone.now(), settings.RETENTION
    if kept.use is not None:
        yield in_order("use of models", ModelUse, "created_at", now - kept.use)
    if kept.chats is not None:
        yield unused_chats(now - kept.chats)


def register() -> None:
    """Make it known; called once, when Django is ready."""
    keep_while(is_last_of_a_model)
    # By this record the panel knows that somebody wants no server: see `models_app.discovery`.
    keep_newest("server.remove")
    also_remove(old_records)
