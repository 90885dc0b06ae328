"""Answers and prompts that were replaced can be turned to, and lists of chats are live."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from models_app.chat.events import list_topic_of
from models_app.chat.sessions import change_chat, create_chat, delete_chat
from models_app.chat.versions import MOST_FOLLOWING
from models_app.models import ChatMessage, ChatSession
from tasks_app.live import parse_topic
from tests.factories import (
    ChatMessageFactory,
    ChatSessionFactory,
    OllamaModelFactory,
    UserFactory,
    actor_of,
)
from tests.pages.conftest import ClientOf

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat(operator: Client) -> ChatSession:
    return ChatSessionFactory(owner=User.objects.get(pk=operator.session["_auth_user_id"]))


def say(chat: ChatSession, position: int, content: str, *, current: bool = True) -> ChatMessage:
    role = "user" if position % 2 else "assistant"
    message: ChatMessage = ChatMessageFactory(
        session=chat, position=position, role=role, content=content, is_current=current
    )
    return message


@pytest.fixture
def answers(chat: ChatSession) -> list[ChatMessage]:
    """Two answers to a prompt that was edited after a question about the second of them, then
    three to what it became."""
    say(chat, 1, "before the edit", current=False)
    for number in range(2):
        say(chat, 2, f"to another prompt {number}", current=False)
    say(chat, 3, "and then?", current=False)
    say(chat, 4, "*nothing*", current=False)
    say(chat, 1, "why?")
    first, second = (say(chat, 2, f"because {number}", current=False) for number in (1, 2))
    return [first, second, say(chat, 2, "because 3")]


def shown(client: Client, name: str, *arguments: int) -> str:
    answer = client.get(reverse(f"admin:{name}", args=arguments))
    assert answer.status_code == 200
    return str(answer.content.decode())


def place(page: str) -> list[str]:
    return re.findall(r">(\d+/\d+)<", page)


def test_one_turns_to_earlier_answers_and_back(
    operator: Client, chat: ChatSession, answers: list[ChatMessage]
) -> None:
    first, second, current = (answer.pk for answer in answers)
    page = shown(operator, "chat", chat.pk)
    assert place(page) == ["2/2", "3/3"]
    assert "because 3" in page
    assert "because 2" not in page
    middle = shown(operator, "chat-version", chat.pk, second)
    assert place(middle) == ["2/3"]
    assert "because 2" in middle
    assert ">replaced<" in middle
    # It stands in the place of the current one, and offers nothing that only that one can do.
    assert f'id="chat-message-{current}"' in middle
    assert "chat-again" not in middle
    for button, answer in (("before", first), ("after", current)):
        address = reverse("admin:chat-version", args=[chat.pk, answer])
        assert re.search(rf'id="chat-{button}-{current}" hx-get="{address}"', middle)
    oldest = shown(operator, "chat-version", chat.pk, first)
    assert re.search(rf'id="chat-before-{current}" aria-disabled="true"', oldest)
    back = shown(operator, "chat-version", chat.pk, current)
    assert place(back) == ["3/3"]
    assert f"chat-again-{current}" in back
    assert place(shown(operator, "chat-message", chat.pk, current)) == ["3/3"]


def asks_for_itself_at(page: str) -> str:
    found = re.search(r'<article [^>]*hx-get="([^"]*)"', page)
    assert found
    return found[1]


def test_what_one_has_turned_to_stays_when_it_is_asked_for_again(
    operator: Client, chat: ChatSession, answers: list[ChatMessage]
) -> None:
    for answer in answers:
        page = shown(operator, "chat-version", chat.pk, answer.pk)
        again = operator.get(asks_for_itself_at(page)).content.decode()
        assert (place(again), asks_for_itself_at(again)) == (place(page), asks_for_itself_at(page))
    # The current one is asked for as such: it may have been replaced meanwhile.
    current = reverse("admin:chat-message", args=[chat.pk, answers[-1].pk])
    assert asks_for_itself_at(shown(operator, "chat-version", chat.pk, answers[-1].pk)) == current


def test_a_transcript_has_them_in_place_where_they_are_looked_at(
    operator: Client, chat: ChatSession, answers: list[ChatMessage]
) -> None:
    address = reverse("admin:chat-transcript", args=[chat.pk])
    old = ChatMessage.objects.get(content="before the edit")
    hidden = ChatMessage.objects.get(content="to another prompt 0")
    foreign = say(ChatSessionFactory(), 1, "somebody else's")
    wanted = f"{old.pk},{answers[1].pk},{answers[2].pk},{hidden.pk},{foreign.pk},x,,{'9' * 30}"
    page = operator.get(address, {"turned_to": wanted}).content.decode()
    assert place(page) == ["1/2", "2/3"]
    assert re.findall(r'data-version="(\d+)"', page) == [str(old.pk), str(answers[1].pk)]
    assert re.findall(r'id="chat-message-(\d+)"', page)[-1] == str(answers[2].pk)
    assert "somebody else" not in page
    assert place(operator.get(address).content.decode()) == ["2/2", "3/3"]


def test_one_turns_to_earlier_texts_of_a_prompt_and_sees_what_followed(
    operator: Client, chat: ChatSession, answers: list[ChatMessage]
) -> None:
    old = ChatMessage.objects.get(content="before the edit")
    current = ChatMessage.objects.get(content="why?")
    page = shown(operator, "chat-version", chat.pk, old.pk)
    assert place(page) == ["1/2"]
    assert f'id="chat-message-{current.pk}"' in page
    for text in ("before the edit", "to another prompt 1", "and then?", "<em>nothing</em>"):
        assert text in page
    # Neither an answer that was replaced then, nor what came after the edit.
    assert "to another prompt 0" not in page
    assert "because" not in page
    assert "chat-edit" not in page
    now = shown(operator, "chat-version", chat.pk, current.pk)
    assert place(now) == ["2/2"]
    assert f"chat-edit-{current.pk}" in now
    assert "oc-followed" not in now


def test_texts_of_a_prompt_after_another_answer_are_not_mixed_in(
    operator: Client, chat: ChatSession
) -> None:
    say(chat, 1, "why?")
    say(chat, 2, "because 1", current=False)
    say(chat, 3, "after the first answer", current=False)
    say(chat, 4, "so", current=False)
    say(chat, 2, "because 2")
    say(chat, 3, "after the second answer", current=False)
    say(chat, 4, "so", current=False)
    prompt = say(chat, 3, "edited")
    assert place(shown(operator, "chat-message", chat.pk, prompt.pk)) == ["2/2"]
    old = ChatMessage.objects.get(content="after the first answer")
    assert shown(operator, "chat-version", chat.pk, old.pk) == ""


def test_much_that_followed_is_bounded(operator: Client, chat: ChatSession) -> None:
    old = say(chat, 1, "old", current=False)
    for position in range(2, MOST_FOLLOWING + 4):
        say(chat, position, f"number {position}", current=False)
    say(chat, 1, "new")
    page = shown(operator, "chat-version", chat.pk, old.pk)
    assert f"number {MOST_FOLLOWING + 1}<" in page
    assert f"number {MOST_FOLLOWING + 2}" not in page
    assert "and 2 more messages" in page


def test_answers_to_a_prompt_that_was_edited_are_not_mixed_in(
    operator: Client, chat: ChatSession, answers: list[ChatMessage]
) -> None:
    old = ChatMessage.objects.get(content="to another prompt 0")
    assert shown(operator, "chat-version", chat.pk, old.pk) == ""


def test_an_only_answer_has_no_switch(operator: Client, chat: ChatSession) -> None:
    say(chat, 1, "why?")
    answer = say(chat, 2, "because")
    assert place(shown(operator, "chat", chat.pk)) == []
    assert place(shown(operator, "chat-message", chat.pk, answer.pk)) == []


def test_a_transcript_costs_the_same_with_many_of_them(operator: Client, chat: ChatSession) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            shown(operator, "chat", chat.pk)
        return len(found)

    say(chat, 1, "why?")
    say(chat, 2, "because")
    queries()
    few = queries()
    for position in range(3, 20):
        say(chat, position, "old", current=position % 2 == 1)
        if position % 2 == 0:
            say(chat, position, "new")
    assert queries() == few


def test_nobody_else_turns_to_them(
    client_of: ClientOf, chat: ChatSession, answers: list[ChatMessage]
) -> None:
    address = reverse("admin:chat-version", args=[chat.pk, answers[0].pk])
    assert client_of("administrator").get(address).status_code == 404


def test_lists_ask_for_themselves_when_a_chat_is_new_renamed_or_gone(
    operator: Client, chat: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = list_topic_of(chat.owner_id)
    for page in (shown(operator, "chats"), shown(operator, "chat", chat.pk)):
        assert re.search(rf'data-live-topics="[^"]*\b{topic}"', page)
        assert re.search(r'id="(oc-list|chat-others)"[^>]*data-live-list="chats"', page)
    assert str(chat) in shown(operator, "chat-others", chat.pk)
    heard: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        "models_app.chat.events.publish",
        lambda type, **event: heard.append((type, topic in event["topics"])),
    )
    actor = actor_of(chat.owner)
    other = create_chat(actor=actor, model=OllamaModelFactory())
    change_chat(actor=actor, session=other, title="Renamed")
    delete_chat(actor=actor, session=other)
    assert heard == [("chat.changed", True), ("chat.changed", True), ("chat.removed", True)]


def test_a_list_is_heard_by_its_owner_alone(chat: ChatSession) -> None:
    kind, number = parse_topic(list_topic_of(chat.owner_id))
    assert kind.allows(chat.owner, number)
    assert not kind.allows(UserFactory(role="operator"), number)
