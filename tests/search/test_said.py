"""Chats by what was said in them: every word, in any case, in step with the messages."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from models_app.chat.choices import AnswerState
from models_app.chat.sessions import search_chats
from models_app.models import ChatMessage, ChatSession
from models_app.search import said, said_postgresql
from tests.factories import ChatMessageFactory, ChatSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _many_chats(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had so many that they are not gone through one by one."""
    monkeypatch.setattr(said_postgresql, "FEW_CHATS", 0)


def say(content: str, *, state: str = AnswerState.COMPLETE, current: bool = True) -> ChatMessage:
    message: ChatMessage = ChatMessageFactory(
        session=ChatSessionFactory(title="-"), content=content, state=state, is_current=current
    )
    return message


def finds(text: str) -> set[int]:
    return set(search_chats(ChatSession.objects.all(), text).values_list("pk", flat=True))


@pytest.mark.parametrize(
    "text",
    ["whales", "WHALES", "ale", "sing", "whales sing", "sing whales", "ng", "n", "50%", "_a", '"',
     "鲸鱼在唱歌", "鲸鱼", "🐋", "a\\b"],
)  # fmt: skip
def test_each_part_of_a_message_finds_its_chat(text: str) -> None:
    message = say('"Whales" sing at 50% _a\\b, 鲸鱼在唱歌 🐋')
    say("else")
    assert finds(text) == {message.session_id}


@pytest.mark.parametrize("text", ["whelks", "whales swim", "%", "OR", "sin*"])
def test_what_was_not_said_finds_nothing(text: str) -> None:
    say("whales sing")
    assert finds(text) == set()


def test_a_title_has_all_words_or_a_message_has() -> None:
    titled = ChatSessionFactory(title="Whales of the south")
    ChatMessageFactory(session=titled, content="do they sing?")
    assert finds("south whales") == {titled.pk}
    assert finds("they sing") == {titled.pk}
    assert finds("whales sing") == set()
    assert finds("  ") == {titled.pk}


def test_what_was_replaced_is_not_found() -> None:
    say("whales sing", current=False)
    assert finds("whales") == set()


def index_rows(text: str) -> int:
    """What the index alone says, where it can be asked."""
    rows = ChatMessage.objects.all()
    found: int = said.INDEXES[connection.vendor].maybe_with(rows, [text]).count()
    return found


def test_an_answer_is_found_when_it_has_ended_and_follows_what_becomes_of_it() -> None:
    answer = say("", state=AnswerState.PENDING)
    rows = ChatMessage.objects.filter(pk=answer.pk)
    for text in ("wha", "whales s", "whales sing"):
        rows.update(state=AnswerState.STREAMING, content=text)
        assert finds("whales") == set()
    rows.update(state=AnswerState.COMPLETE)
    assert finds("whales") == {answer.session_id}
    rows.update(content="dolphins sing")
    assert (finds("whales"), finds("dolphins")) == (set(), {answer.session_id})
    # Begun anew, after a failure.
    rows.update(state=AnswerState.PENDING)
    rows.update(state=AnswerState.STREAMING, content="")
    assert finds("dolphins") == set()
    rows.update(state=AnswerState.FAILED, content="porpoises")
    assert finds("porpoises") == {answer.session_id}
    rows.delete()
    assert finds("porpoises") == set()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the index can be asked by itself")
def test_the_index_has_what_has_ended_and_nothing_else() -> None:
    answer = say("whales", state=AnswerState.STREAMING)
    assert index_rows("whales") == 0
    answer.state = AnswerState.STOPPED
    answer.save()
    answer.save()
    assert index_rows("whales") == 1
    answer.state = AnswerState.PENDING
    answer.save()
    assert index_rows("whales") == 0
    answer.delete()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="triggers of SQLite")
def test_what_a_migration_took_along_is_made_again() -> None:
    before = say("whales sing")
    index = said.INDEXES["sqlite"].INDEX
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER models_app_chatmessage_said")
    meanwhile = say("whales swim")
    say("whales dive", state=AnswerState.STREAMING)
    assert not index.is_there(connection)
    index.install(connection)
    assert index.is_there(connection)
    assert finds("whales") == {before.session_id, meanwhile.session_id}
    index.remove(connection)
    index.install(connection)
    assert index_rows("whales") == 2


def test_without_the_index_messages_are_read_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(said, "_known", set())
    monkeypatch.setattr(
        type(said.INDEXES[connection.vendor].INDEX), "is_there", lambda _index, _connection: False
    )
    message = say("whales sing")
    assert finds("whales sing") == {message.session_id}


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="plans of PostgreSQL's")
@pytest.mark.parametrize(
    ("text", "indexes"),
    [
        ("whales", {"chat_message_trigrams"}),
        ("wh", {"chat_message_pairs"}),
        ("鲸", {"chat_message_pairs"}),
        ("whales ph", {"chat_message_trigrams", "chat_message_pairs"}),
    ],
)
def test_the_database_takes_the_indexes(text: str, indexes: set[str]) -> None:
    say("whales")
    # Of a few messages the database would take what is current first.
    ended = ChatMessage.objects.filter(state__in=said_postgresql.ENDED)
    with CaptureQueriesContext(connection) as queries:
        said_postgresql.look_up(ChatSession.objects.all(), ended, ended, text.split())
    gathered = queries[-1]["sql"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute(f"EXPLAIN {gathered}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert set(re.findall(r"chat_message_(?:trigrams|pairs)", plan)) & indexes


@pytest.mark.parametrize("text", ["whales", "wh"])
def test_common_words_are_found_chat_by_chat(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(said_postgresql, "MOST_GATHERED", 1)
    found = {say("whales sing").session_id, say("WHALES").session_id, say("Whales!").session_id}
    say("dolphins")
    assert finds(text) == found
    rows = search_chats(ChatSession.objects.all(), text)
    if connection.vendor == "postgresql":
        assert rows.come_upon
        assert rows.filter(rows.come_upon).count() == 2
        assert "hashed" not in rows.explain()


def test_a_few_chats_are_gone_through_without_a_look_at_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(said_postgresql, "FEW_CHATS", 300)
    found = say("whales sing").session_id
    with CaptureQueriesContext(connection) as queries:
        assert finds("whales") == finds("wh") == {found}
    assert not [one["sql"] for one in queries if "session_id" in one["sql"].split("FROM")[0]]


class AnyText(TestCase):
    """Whatever is typed is answered, and each part of what was said finds it."""

    @settings(max_examples=60)
    @given(st.text(min_size=1, max_size=60).filter(lambda text: "\0" not in text))
    def test_no_text_is_an_error(self, text: str) -> None:
        say("whales sing")
        assert len(finds(text)) in (0, 1)

    @settings(max_examples=60)
    @given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1))
    def test_each_word_that_was_said_finds_it(self, word: str) -> None:
        message = say(f"first {word} last")
        assert message.session_id in finds(word)
