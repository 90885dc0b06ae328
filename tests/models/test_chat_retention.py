"""The use of models goes after its time; chats stay, unless the settings give them one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from models_app.chat.ageing import unused_chats
from models_app.chat.prompts import send_prompt
from models_app.models import ChatMessage, ChatSession, ModelUse
from models_app.retention import old_records
from ollamactl.lib.retention import Removable, remove_old
from ollamactl.settings.retention import Retention
from tasks_app import tidying
from tests.factories import (
    ChatMessageFactory,
    ChatSessionFactory,
    OllamaModelFactory,
    actor_of,
)
from tests.helpers.killed import kill_in_the_middle

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    keep(settings, use=5 * DAY, chats=5 * DAY)


def keep(settings: Any, **times: timedelta | None) -> None:
    """Keep everything but this."""
    settings.RETENTION = Retention(tasks=None, audit=None, logins=None, tokens=None, **times)


def tidy() -> dict[str, int]:
    """One round."""
    return remove_old(list(old_records()), seconds=30, stopping=lambda: False)


def chat(days: float = 6, messages: int = 2, **fields: Any) -> ChatSession:
    """A chat that was last used so many days ago."""
    session = ChatSessionFactory(**fields)
    for position in range(1, messages + 1):
        ChatMessageFactory(session=session, position=position)
    ChatSession.objects.filter(pk=session.pk).update(updated_at=timezone.now() - days * DAY)
    return session


def use(days: float) -> ModelUse:
    """A request of so many days ago."""
    row = ModelUse.objects.create(model=OllamaModelFactory(), tokens=1)
    ModelUse.objects.filter(pk=row.pk).update(created_at=timezone.now() - days * DAY)
    return row


@pytest.mark.django_db
def test_use_goes_after_its_time() -> None:
    _old, recent = use(6), use(4)
    assert tidy() == {"use of models": 1}
    assert list(ModelUse.objects.all()) == [recent]
    assert tidy() == {}


@pytest.mark.django_db
def test_unused_chats_go_whole_and_others_stay() -> None:
    old, recent = chat(), chat(4)
    assert tidy() == {"chats": 1}
    assert list(ChatSession.objects.all()) == [recent]
    assert not ChatMessage.objects.filter(session_id=old.pk).exists()
    assert ChatMessage.objects.count() == 2


@pytest.mark.django_db
def test_nothing_goes_without_a_time(settings: Any) -> None:
    keep(settings)
    chat(1000)
    use(1000)
    assert tidy() == {}


@pytest.mark.django_db
def test_the_housekeeping_does_it() -> None:
    chat()
    use(6)
    removed = tidying.tidy(lambda: False)
    assert (removed["chats"], removed["use of models"]) == (1, 1)


@pytest.mark.django_db
def test_a_chat_that_is_answered_or_used_again_stays() -> None:
    answered, used, old = chat(), chat(messages=0), chat()
    ChatMessageFactory(session=answered, position=3, role="assistant", state="pending")
    kind = unused_chats(timezone.now() - 5 * DAY)
    found = kind.find(10)
    assert set(found) == {used.pk, old.pk}
    send_prompt(actor=actor_of(used.owner), session=used, text="Are you still there?")
    assert [kind.remove([key]) for key in found] == [int(key == old.pk) for key in found]
    assert set(ChatSession.objects.all()) == {answered, used}


def test_each_is_a_transaction_of_its_own(transactional_db: None) -> None:
    for _number in range(5):
        chat(messages=50)
    kind = unused_chats(timezone.now() - 5 * DAY)
    sizes = []

    def remove(keys: list[Any]) -> int:
        assert not connection.in_atomic_block
        sizes.append(len(keys))
        with CaptureQueriesContext(connection) as queries:
            count = kind.remove(keys)
        assert len(queries) < 12
        return count

    watched = Removable("chats", kind.find, remove, largest=kind.largest)
    assert remove_old([watched], seconds=30, stopping=lambda: False) == {"chats": 5}
    assert sizes == [1] * 5


REMOVING = """
from datetime import timedelta
from django.utils import timezone
from models_app.chat.ageing import unused_chats
kind = unused_chats(timezone.now() - timedelta(days=5))
for key in kind.find(1000):
    kind.remove([key])
    print("one", flush=True)
"""


def test_killed_in_the_middle_it_goes_on(transactional_db: None) -> None:
    for _number in range(60):
        chat()
    kill_in_the_middle(REMOVING)
    left = ChatSession.objects.count()
    assert left < 60
    # What is left is whole.
    assert ChatMessage.objects.count() == 2 * left
    assert tidy().get("chats", 0) == left
    assert not ChatMessage.objects.exists()
