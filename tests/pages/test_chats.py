"""The pages of chats: what they show, to whom, and what they cost."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from models_app.chat.prompts import send_prompt
from models_app.chat.records import ChatMessage, ChatSession, ModelUse
from models_app.models import OllamaModel, OllamaServer
from tasks_app.models import Task
from tests.factories import (
    ChatMessageFactory,
    ChatSessionFactory,
    OllamaModelFactory,
    UserFactory,
    actor_of,
)
from tests.pages.conftest import HTMX, ClientOf

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat(operator: Client) -> ChatSession:
    """A chat of the operator's, without a word so far."""
    return ChatSessionFactory(owner=User.objects.get(pk=operator.session["_auth_user_id"]))


def page(client: Client, name: str, *arguments: object, **query: str) -> str:
    answer = client.get(reverse(f"admin:{name}", args=arguments), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_a_search_finds_is_counted_up_to_a_bound(operator: Client, chat: ChatSession) -> None:
    ChatSessionFactory.create_batch(1001, owner=chat.owner, title="whales")
    assert "1–50 of 1,000+" in page(operator, "chats", search="whales")
    assert "Page 1 of 20+" in page(operator, "chats", search="whales")
    assert "951–1,000 of 1,001<" in page(operator, "chats", search="whales", page="20")
    assert "1,002<" in page(operator, "chats")


def test_a_search_shows_where_in_a_chat_it_was_said(operator: Client, chat: ChatSession) -> None:
    """In the newest message that is still part of it, harmless whatever it is."""
    far = "harbour " * 50
    for position, content, is_current in (
        (1, "an old <b>Needle</b>", True),
        (2, f"{far}\n<script>Needle</script> {far}", True),
        (3, "a needle that was edited", False),
    ):
        ChatMessageFactory(session=chat, position=position, content=content, is_current=is_current)
    ChatSessionFactory(owner=chat.owner, title="the needle’s own")
    shown = page(operator, "chats", search="needle script")
    assert "&lt;<mark>script</mark>&gt;<mark>Needle</mark>&lt;/<mark>script</mark>&gt;" in shown
    assert "<script>Needle" not in shown
    excerpt = re.search(r'oc-break">(… .*? …)</div>', shown)
    assert excerpt is not None
    assert len(re.sub(r"<[^>]*>", "", excerpt[1])) < 200
    assert "edited" not in shown
    assert "the <mark>needle</mark>’s own" in page(operator, "chats", search="needle")


def test_excerpts_cost_one_query(operator: Client, chat: ChatSession) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(operator, "chats", search="needle")
        return len(queries)

    ChatMessageFactory(session=chat, position=1, content="needle")
    cost()  # what the first request of a process asks once
    one = cost()
    for _number in range(5):
        other = ChatSessionFactory(owner=chat.owner)
        ChatMessageFactory(session=other, position=1, content="a needle")
    assert cost() == one


def test_a_chat_without_a_word(operator: Client, chat: ChatSession) -> None:
    shown = page(operator, "chat", chat.pk)
    assert "Nothing has been said yet." in shown
    assert f'data-live-topics="chat:{chat.pk} chats:{chat.owner_id}"' in shown


def test_what_a_model_wrote_is_harmless_and_its_thinking_is_folded(
    operator: Client, chat: ChatSession
) -> None:
    hostile = "<script>alert(1)</script> <img src=x onerror=alert(1)> **bold** [x](javascript:a)"
    ChatMessageFactory(session=chat, position=1, content=hostile)
    for position, state in ((2, "complete"), (3, "streaming")):
        task = Task.objects.create(type="model.chat") if state == "streaming" else None
        ChatMessageFactory(
            session=chat, position=position, role="assistant", content=hostile,
            thinking="Hm **so** <b>", state=state, model_name="<b>m</b>", task=task,
        )  # fmt: skip
    shown = page(operator, "chat", chat.pk)
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert "<b>" not in shown
    assert "<strong>bold</strong>" in shown
    assert 'href="javascript' not in shown
    assert shown.count('<details class="oc-thinking"') == 2
    assert "<strong>so</strong>" in shown


def test_a_long_chat_is_shown_in_parts_that_cost_the_same(
    operator: Client, chat: ChatSession
) -> None:
    url = reverse("admin:chat", args=[chat.pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            operator.get(url)
        return len(found)

    ChatMessageFactory(session=chat, position=1)
    ChatMessageFactory(session=chat, position=2, role="assistant")
    queries()
    few = queries()
    ChatMessage.objects.all().delete()
    ChatMessage.objects.bulk_create(
        ChatMessage(
            session=chat, position=n, role=("user", "assistant")[n % 2 == 0], content=f"{n}"
        )
        for n in range(1, 1001)
    )
    assert queries() == few
    newest = page(operator, "chat", chat.pk)
    assert newest.count("<article") == 50
    (before,) = re.findall(r"before=(\d+)", newest)
    older = page(operator, "chat-transcript", chat.pk, before=before)
    assert older.count("<article") == 50
    assert "before=901" in older
    assert "before=" not in page(operator, "chat-transcript", chat.pk, before="40")
    assert page(operator, "chat-transcript", chat.pk, before="x" * 30).count("<article") == 50


def test_a_prompt_is_sent_with_and_without_a_script(operator: Client, chat: ChatSession) -> None:
    url = reverse("admin:chat-send", args=[chat.pk])
    sent = operator.post(url, {"content": "Why?"}, headers=HTMX)
    assert sent.status_code == 200
    assert sent.content.decode().count("<article") == 2
    busy = operator.post(url, {"content": "And?"}, headers=HTMX)
    assert busy.status_code == 409
    assert "The model is answering" in busy.content.decode()
    answer = ChatMessage.objects.get(role="assistant")
    stop = reverse("admin:chat-stop", args=[chat.pk, answer.pk])
    assert operator.post(stop, headers=HTMX).status_code == 200
    again = reverse("admin:chat-regenerate", args=[chat.pk, answer.pk])
    assert operator.post(again).status_code == 302
    assert operator.get(reverse("admin:chat-message", args=[chat.pk, answer.pk])).content == b""


@pytest.mark.parametrize("text", ["", "  ", "/nonsense", "/set parameter warmth 1"])
def test_what_is_wrong_is_said_beside_what_was_typed(
    operator: Client, chat: ChatSession, text: str
) -> None:
    url = reverse("admin:chat-send", args=[chat.pk])
    answer = operator.post(url, {"content": text}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#oc-toasts"
    assert operator.post(url, {"content": text}).status_code == 302
    assert not ChatMessage.objects.exists()


def test_commands_are_answered_below_the_transcript(operator: Client, chat: ChatSession) -> None:
    url = reverse("admin:chat-send", args=[chat.pk])
    said = operator.post(url, {"content": "/?"}, headers=HTMX)
    assert said.headers["HX-Retarget"] == "#chat-said"
    assert "/set …" in said.content.decode()
    several = '/set system """Be brief.\r\nBe kind."""'
    assert operator.post(url, {"content": several}, headers=HTMX).status_code == 200
    chat.refresh_from_db()
    assert chat.system.splitlines() == ["Be brief.", "Be kind."]
    left = operator.post(url, {"content": "/bye"}, headers=HTMX)
    assert left.headers["HX-Redirect"] == reverse("admin:chats")
    operator.post(url, {"content": " /not a command"}, headers=HTMX)
    assert ChatMessage.objects.filter(content=" /not a command").exists()


def test_a_chat_begins_with_its_first_prompt(operator: Client) -> None:
    model = OllamaModelFactory()
    OllamaModelFactory(name="nomic-embed-text:latest", family="nomic-bert")
    shown = page(operator, "chats", **{"with": str(model.pk)})
    assert f'<option value="{model.pk}" selected>' in shown
    assert "nomic-embed-text" not in shown
    url = reverse("admin:chat-begin")
    begun = operator.post(url, {"model": model.pk, "content": "Tell me"}, headers=HTMX)
    session = ChatSession.objects.get()
    assert begun.headers["HX-Redirect"] == reverse("admin:chat", args=[session.pk])
    assert (session.title, session.model_id) == ("Tell me", model.pk)


def test_settings_are_kept_and_what_is_wrong_is_said(operator: Client, chat: ChatSession) -> None:
    url = reverse("admin:chat-settings", args=[chat.pk])
    form = {"title": "Other", "model": chat.model_id, "system": "Be brief.", "think": "false"}
    form |= {"format": "json", "verbose": "true"}
    wrong = operator.post(url, {**form, "options": "warmth 1"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "There is no parameter" in wrong.content.decode()
    good = operator.post(url, {**form, "options": "temperature 0.5\nstop a"}, headers=HTMX)
    assert good.headers["HX-Redirect"]
    chat.refresh_from_db()
    assert (chat.title, chat.system, chat.think) == ("Other", "Be brief.", False)
    assert (chat.format, chat.verbose) == ("json", True)
    head = page(operator, "chat-head", chat.pk)
    assert 'data-figures="all"' in head
    assert "· JSON ·" in head
    form |= {"think": "high"}
    operator.post(url, {**form, "format": "", "verbose": "", "options": ""}, headers=HTMX)
    chat.refresh_from_db()
    assert (chat.format, chat.verbose, chat.think_value) == (None, None, "high")
    assert '<option value="high" selected>' in page(operator, "chat-settings", chat.pk)
    assert 'data-figures="main"' in page(operator, "chat-head", chat.pk)
    operator.post(url, {**form, "options": "temperature 0.5\nstop a"}, headers=HTMX)
    chat.refresh_from_db()
    assert chat.options == {"temperature": 0.5, "stop": ["a"]}
    assert "stop a\ntemperature 0.5" in page(operator, "chat-settings", chat.pk)


def test_settings_keep_a_schema_that_a_program_has_set(operator: Client, chat: ChatSession) -> None:
    url = reverse("admin:chat-settings", args=[chat.pk])
    form = {"title": "Other", "model": chat.model_id, "think": "", "options": ""}
    assert operator.post(url, {**form, "format": "schema"}, headers=HTMX).status_code == 422
    schema = {"type": "object"}
    ChatSession.objects.filter(pk=chat.pk).update(format="json", format_schema=schema)
    assert '<option value="schema" selected>JSON by a schema' in page(
        operator, "chat-settings", chat.pk
    )
    assert "· JSON by a schema" in page(operator, "chat-head", chat.pk)
    for word, kept in (("schema", schema), ("json", None)):
        assert operator.post(url, {**form, "format": word}, headers=HTMX).status_code == 200
        chat.refresh_from_db()
        assert (chat.format, chat.format_schema) == ("json", kept)


def test_a_failed_answer_is_asked_for_again_in_chinese(operator: Client, chat: ChatSession) -> None:
    ChatMessageFactory(session=chat, position=1, role="assistant", state="failed", error_code="x")
    url = reverse("admin:chat-transcript", args=[chat.pk])
    shown = operator.get(url, headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "重试</button>" in shown


def test_an_answer_says_what_it_took(operator: Client, chat: ChatSession) -> None:
    ChatMessageFactory(
        session=chat, position=1, role="assistant", tokens=8, prompt_tokens=1, token_rate=4.0,
        seconds=2.5, first_token_seconds=0.5, done_reason="length",
    )  # fmt: skip
    shown = re.sub(r"<[^>]+>", "", page(operator, "chat-transcript", chat.pk))
    assert "8 tokens · first after 0.50 s · prompt: 1 token · 2.50 s in all" in shown
    assert "cut at the limit of tokens" in shown


def test_what_a_command_lists_has_a_name_and_a_text(operator: Client, chat: ChatSession) -> None:
    def said(line: str) -> str:
        url = reverse("admin:chat-send", args=[chat.pk])
        return operator.post(url, {"content": line}, headers=HTMX).content.decode()

    listed = said("/? set")
    assert "<div><span>/set noformat</span><span>answers as the model writes them</span></div>" in (
        listed
    )
    assert "<pre" not in listed
    assert said("/set").count("</span><span>") == listed.count("</span><span>") > 5
    assert "<div></div><div><span>In a shell:</span></div>" in said("/? shortcuts").replace(
        "<span></span>", ""
    )
    assert '<pre class="oc-plain-text">' in said("/set noformat")


def test_a_task_names_the_server_that_answered(operator: Client, chat: ChatSession) -> None:
    assert chat.model is not None
    OllamaServer.objects.filter(pk=chat.model.server_id).update(name="attic")
    chat.refresh_from_db()
    send_prompt(actor=actor_of(chat.owner), session=chat, text="Hi")
    elsewhere = OllamaModelFactory()
    ChatSession.objects.filter(pk=chat.pk).update(model=elsewhere, server_name="cellar")
    for gone in (False, True):
        if gone:
            OllamaModel.objects.all().delete()
            OllamaServer.objects.all().delete()
        shown = page(operator, "tasks")
        assert ">attic<" in shown
        assert "cellar" not in shown


def test_nobody_else_sees_it(client_of: ClientOf, chat: ChatSession) -> None:
    other = client_of("administrator")
    for name in ("chat", "chat-head", "chat-transcript", "chat-settings", "chat-delete"):
        assert other.get(reverse(f"admin:{name}", args=[chat.pk])).status_code == 404
    assert other.post(reverse("admin:chat-delete", args=[chat.pk])).status_code == 404
    assert str(chat) not in page(other, "chats")


def test_a_model_that_can_chat_has_a_button(operator: Client, viewer: Client) -> None:
    talks = OllamaModelFactory()
    embeds = OllamaModelFactory(family="bert")
    link = f"{reverse('admin:chats')}?with="
    for name, arguments in (("models", ()), ("model", (talks.pk,))):
        assert f"{link}{talks.pk}" in page(operator, name, *arguments)
        assert link not in page(viewer, name, *arguments)
    assert f"{link}{embeds.pk}" not in page(operator, "models")


def test_use_is_counted_and_names_are_for_who_may_see_them(
    operator: Client, administrator: Client, chat: ChatSession
) -> None:
    model = chat.model
    assert model is not None
    somebody = UserFactory(username="maria")
    for user, tokens in ((somebody, 100), (somebody, 20), (chat.owner, 3), (None, 4)):
        ModelUse.objects.create(
            model=model, user=user, prompt_tokens=10, tokens=tokens, token_rate=30.0
        )
    for_all = page(administrator, "model-panel", model.pk)
    assert "maria" in for_all
    assert ">127<" in for_all
    assert "users who are gone" in for_all
    assert "4 measurements" in for_all
    own = page(operator, "model-panel", model.pk)
    assert "maria" not in own
    assert ">127<" in own
    assert chat.owner.get_username() in own
