"""Chats that nobody has used for a long time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from models_app.chat.choices import UNDER_WAY
from models_app.chat.events import announce_chat_removed
from models_app.chat.records import ChatMessage, ChatSession
from ollamactl.lib.retention import Keys, Removable


def unused_chats(before: datetime) -> Removable:
    """Chats in which nothing was said or changed since this moment, whole and one at a time: one
    may have thousands of messages. Never one that is being answered."""

    def rows() -> QuerySet[ChatSession]:
        answering = ChatMessage.objects.filter(session=OuterRef("pk"), state__in=UNDER_WAY)
        old = ChatSession.objects.filter(updated_at__lt=before)
        return old.filter(~Exists(answering)).order_by("updated_at")

    def find(most: int) -> Keys:
        return list(rows().values_list("pk", flat=True)[:most])

    def remove(keys: Keys) -> int:
        with transaction.atomic():
            # Locked first and asked then: a prompt that came in between has changed its time.
            locked = ChatSession.objects.select_for_update(of=("self",), skip_locked=True)
            ids = list(locked.filter(pk__in=keys).order_by("pk").values_list("pk", flat=True))
            chats = list(rows().filter(pk__in=ids))
            for chat in chats:
                announce_chat_removed(chat)
                chat.delete()
        return len(chats)

    return Removable("chats", find, remove, largest=1)
