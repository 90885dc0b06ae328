"""Chats over the API: a user's own, and nobody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from rest_framework.test import APIClient

from audit_app.models import AuditRecord
from models_app.chat.answers import told
from models_app.chat.records import ChatMessage, ChatSession
from models_app.models import OllamaModel
from ollamactl.lib.paginator import RowPaginator
from tasks_app.models import Task
from tests.api.queries import count_queries
from tests.factories import (
    ChatMessageFactory,
    ChatSessionFactory,
    OllamaModelFactory,
    UserFactory,
    token_of,
)

pytestmark = pytest.mark.django_db
URL = "/api/v1/chats/"


@pytest.fixture
def me() -> Any:
    return UserFactory(role="operator")


@pytest.fixture
def client(me: Any) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(me)}")
    return client


@pytest.fixture
def model() -> OllamaModel:
    return OllamaModelFactory()


@pytest.fixture
def chat(me: Any, model: OllamaModel) -> ChatSession:
    return ChatSessionFactory(owner=me, model=model, title="The first")


def test_a_chat_is_made_changed_and_deleted(client: APIClient, model: OllamaModel) -> None:
    body = {"model": model.pk, "system": "Be brief.", "options": {"temperature": "0.5"}}
    made = client.post(URL, body)
    assert made.status_code == 201
    row = made.json()
    assert (row["options"], row["think"], row["title"]) == ({"temperature": 0.5}, None, "")
    url = f"{URL}{row['id']}/"
    changed = client.patch(url, {"title": " A  title ", "think": True, "system": ""}).json()
    assert (changed["title"], changed["think"], changed["system"]) == ("A title", True, "")
    assert changed["options"] == {"temperature": 0.5}
    assert client.patch(url, {"think": "high"}).json()["think"] == "high"
    assert json.loads(client.get(f"{url}export/?format=json").content)["think"] == "high"
    assert client.patch(url, {"system": "x"}).json()["think"] == "high"
    assert client.patch(url, {"think": False}).json()["think"] is False
    assert client.patch(url, {"think": None}).json()["think"] is None
    leveled = client.post(URL, {"model": model.pk, "think": "low"}).json()
    assert client.get(f"{URL}{leveled['id']}/").json()["think"] == "low"
    assert (row["format"], row["verbose"]) == (None, None)
    changed = client.patch(url, {"format": "json", "verbose": False}).json()
    assert (changed["format"], changed["verbose"]) == ("json", False)
    assert json.loads(client.get(f"{url}export/?format=json").content)["format"] == "json"
    changed = client.patch(url, {"format": None, "verbose": None}).json()
    assert (changed["format"], changed["verbose"]) == (None, None)
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_answers_fit_a_schema(client: APIClient, model: OllamaModel) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string"}},
        "x": [1, None, "\\u0000"],
    }
    made = client.post(URL, {"model": model.pk, "format": schema}).json()
    assert made["format"] == schema
    url = f"{URL}{made['id']}/"
    assert client.patch(url, {"think": True}).json()["format"] == schema
    assert json.loads(client.get(f"{url}export/?format=json").content)["format"] == schema
    assert client.patch(url, {"format": "json"}).json()["format"] == "json"
    client.patch(url, {"format": schema})
    said = client.post(f"{url}command/", {"command": "/set format json"}).json()
    assert said["chat"]["format"] == "json"
    client.patch(url, {"format": schema})
    assert client.patch(url, {"format": None}).json()["format"] is None


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "model"),
        ({"model": 10**6}, "model"),
        ({"model": True}, "model"),
        ({"model": "x"}, "model"),
        ({"think": "much"}, "think"),
        ({"options": {"warmth": 1}}, "parameters"),
        ({"options": {"temperature": "hot"}}, "parameters"),
        ({"options": 3}, "options"),
        ({"system": "x" * 50_001}, "system"),
        ({"title": "x" * 201}, "title"),
        ({"format": "xml"}, "format"),
        ({"format": {}}, "format"),
        ({"format": [{"type": "object"}]}, "format"),
        ({"format": {"title": "x" * 20_000}}, "format"),
        ({"verbose": "loud"}, "verbose"),
        ({"color": "red"}, "color"),
    ],
)
def test_bad_input_is_said(
    client: APIClient, model: OllamaModel, body: dict[str, Any], attr: str
) -> None:
    given = body if attr == "model" else {"model": model.pk, **body}
    answer = client.post(URL, given)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == attr
    assert not ChatSession.objects.exists()


def test_a_prompt_is_kept_before_it_is_accepted(client: APIClient, chat: ChatSession) -> None:
    answer = client.post(f"{URL}{chat.pk}/messages/", {"content": "Why?\r\nHow?"})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["message"]["content"], body["message"]["role"]) == ("Why?\nHow?", "user")
    assert (body["answer"]["state"], body["answer"]["position"]) == ("pending", 2)
    assert body["task"]["type"] == "model.chat"
    assert ChatMessage.objects.filter(pk=body["answer"]["id"], task=body["task"]["id"]).exists()
    busy = client.post(f"{URL}{chat.pk}/messages/", {"content": "And?"})
    assert busy.status_code == 409
    assert busy.json()["errors"][0]["code"] == "answering"
    assert busy.json()["task"] == body["task"]["id"]
    stop = f"{URL}{chat.pk}/messages/{body['answer']['id']}/stop/"
    assert client.post(stop).json()["answer"]["state"] == "stopped"
    assert client.post(stop).status_code == 409
    again = client.post(f"{URL}{chat.pk}/messages/{body['answer']['id']}/regenerate/")
    assert again.status_code == 202
    listed = client.get(f"{URL}{chat.pk}/messages/").json()
    assert [row["id"] for row in listed["results"]] == [
        body["message"]["id"],
        again.json()["answer"]["id"],
    ]
    assert Task.objects.filter(type="model.chat").count() == 2


@pytest.mark.parametrize("content", ["", " \n", None, 3, "x" * 200_001])
def test_a_prompt_that_is_none(client: APIClient, chat: ChatSession, content: Any) -> None:
    answer = client.post(f"{URL}{chat.pk}/messages/", {"content": content})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "content"


def test_nobody_else_sees_a_chat(chat: ChatSession) -> None:
    message = ChatMessageFactory(session=chat, position=1)
    for other in (UserFactory(role="administrator"), UserFactory(is_superuser=True)):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(other)}")
        assert client.get(URL).json()["count"] == 0
        url = f"{URL}{chat.pk}/"
        for path in ("", "messages/", f"messages/{message.pk}/", "export/"):
            assert client.get(url + path).status_code == 404
        assert client.patch(url, {"title": "mine"}).status_code == 404
        assert client.delete(url).status_code == 404
        for path in ("messages/", "command/"):
            body = {"content": "x"} if path == "messages/" else {"command": "/?"}
            assert client.post(url + path, body).status_code == 404
    assert ChatSession.objects.filter(pk=chat.pk).exists()


def test_a_message_of_another_chat_is_not_in_this_one(client: APIClient, chat: ChatSession) -> None:
    other = ChatMessageFactory(session=ChatSessionFactory(owner=chat.owner, model=chat.model))
    assert client.get(f"{URL}{chat.pk}/messages/{other.pk}/").status_code == 404
    assert (
        client.post(f"{URL}{chat.pk}/messages/{other.pk}/edit/", {"content": "x"}).status_code
        == 404
    )


def test_chats_are_found_by_title_and_by_what_was_said(
    client: APIClient, chat: ChatSession, me: Any
) -> None:
    elsewhere = OllamaModelFactory()
    other = ChatSessionFactory(owner=me, model=elsewhere, title="Second")
    ChatMessageFactory(session=other, position=1, content="Needle in it")
    ChatMessageFactory(session=chat, position=1, content="needle", is_current=False)

    def found(query: str) -> list[int]:
        return [row["id"] for row in client.get(f"{URL}?{query}").json()["results"]]

    assert found("search=FIRST") == [chat.pk]
    assert found("search=needle") == [other.pk]
    assert found(f"model={chat.model_id}") == [chat.pk]
    assert found(f"server={elsewhere.server_id}") == [other.pk]
    assert found("ordering=title") == [other.pk, chat.pk]
    assert client.get(f"{URL}?nothing=1").status_code == 400


def test_a_search_says_where_in_a_chat_it_was_said(
    client: APIClient, chat: ChatSession, me: Any
) -> None:
    for number in range(1, 4):
        other = ChatSessionFactory(owner=me, model=chat.model, title="Second")
        ChatMessageFactory(session=other, position=1, content=f"{number} needle\n" + "hay " * 99)
    ChatSession.objects.filter(pk=chat.pk).update(title="A needle")

    def excerpts(query: str) -> list[str | None]:
        rows = client.get(f"{URL}?ordering=created_at{query}").json()["results"]
        return [row["excerpt"] for row in rows]

    assert excerpts("") == [None] * 4
    titled, *said = excerpts("&search=NEEDLE")
    assert titled is None
    assert [str(line)[:12] for line in said] == [f"{number} needle hay" for number in (1, 2, 3)]
    assert all(str(line).endswith(" …") for line in said)
    assert client.get(f"{URL}{chat.pk}/").json()["excerpt"] is None
    one = count_queries(lambda: excerpts("&search=needle&page_size=1"))
    assert count_queries(lambda: excerpts("&search=needle")) == one


def test_what_a_search_finds_is_counted_up_to_a_bound(
    client: APIClient, me: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RowPaginator, "MOST_COUNTED", 2)
    chats = ChatSessionFactory.create_batch(4, owner=me, title="whales")
    seen: list[int] = []
    url, counts = f"{URL}?search=whales&ordering=created_at&page_size=1", []
    while url:
        answer = client.get(url).json()
        counts.append((answer["count"], answer["count_is_minimum"]))
        seen += [row["id"] for row in answer["results"]]
        url = answer["next"]
    assert seen == [chat.pk for chat in chats]  # every page can be asked for
    assert counts == [(2, True), (3, True), (4, False), (4, False)]
    whole = client.get(f"{URL}?page_size=1").json()
    assert (whole["count"], whole["count_is_minimum"]) == (4, False)


def test_lists_cost_the_same_for_any_number(client: APIClient, chat: ChatSession, me: Any) -> None:
    def both() -> None:
        assert client.get(URL).status_code == 200
        assert client.get(f"{URL}{chat.pk}/messages/").status_code == 200

    ChatMessageFactory.create_batch(2, session=ChatSessionFactory(owner=me))
    ChatMessageFactory(session=chat, position=100)
    few = count_queries(both)
    ChatSessionFactory.create_batch(20, owner=me, model=chat.model)
    for number in range(1, 30):
        ChatMessageFactory(session=chat, position=number)
    assert count_queries(both) == few


def test_an_export_has_it_all(client: APIClient, chat: ChatSession) -> None:
    ChatMessageFactory(session=chat, position=1, content="Why?")
    ChatMessageFactory(
        session=chat, position=2, role="assistant", content="So.", thinking="Hm ```", model_name="m"
    )
    as_json = client.get(f"{URL}{chat.pk}/export/?format=json")
    assert as_json["Content-Disposition"] == f'attachment; filename="chat-{chat.pk}-The-first.json"'
    assert [row["content"] for row in json.loads(as_json.content)["messages"]] == ["Why?", "So."]
    text = client.get(f"{URL}{chat.pk}/export/").content.decode()
    assert text.startswith("# The first\n")
    assert "````thinking\nHm ```\n````" in text
    assert client.get(f"{URL}{chat.pk}/export/?format=pdf").status_code == 400


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("/set system Be brief.", "system", "Be brief."),
        ("/set parameter temperature 0.5", "options", {"seed": 7, "temperature": 0.5}),
        ("/set parameter seed", "options", {}),
        ("/set parameter stop <|x|>", "options", {"seed": 7, "stop": ["<|x|>"]}),
        ('/set parameter stop a "b c"', "options", {"seed": 7, "stop": ["a", "b c"]}),
        ('/set system """One.\nTwo."""', "system", "One.\nTwo."),
        ("/set format json", "format", "json"),
        ("/set noformat", "format", None),
        ("/set verbose", "verbose", True),
        ("/SET  quiet", "verbose", False),
        ("/set think", "think", True),
        ("/set nothink", "think", False),
        ("/set think HIGH", "think", "high"),
        ("/set think max", "think", "max"),
        ("/clear", "context_from", 2),
    ],
)
def test_commands_change_the_chat(
    client: APIClient, chat: ChatSession, line: str, field: str, value: Any
) -> None:
    ChatSession.objects.update(options={"seed": 7}, format=None if value == "json" else "json")
    ChatMessageFactory(session=chat, position=1)
    said = client.post(f"{URL}{chat.pk}/command/", {"command": line})
    assert said.status_code == 200, said.json()
    assert said.json()["text"]
    assert said.json()["chat"][field] == value


def test_commands_that_only_speak(client: APIClient, chat: ChatSession, model: OllamaModel) -> None:
    def say(line: str) -> Any:
        return client.post(f"{URL}{chat.pk}/command/", {"command": line})

    assert "/set …" in say("/?").json()["text"]
    assert "/set system" in say("/? set").json()["text"]
    assert "/show modelfile" in say("/help /show").json()["text"]
    assert say("/show").json()["text"] == say("/? show").json()["text"]
    assert say("/set ").json()["text"] == say("/? set").json()["text"]
    assert "Ctrl+K" in say("/? shortcuts").json()["text"]
    for word in ("history", "nohistory", "wordwrap", "nowordwrap"):
        assert "On the page" in say(f"/set {word}").json()["text"]
    assert say("/bye").json()["action"] == "leave"
    for line in ("/nonsense", "/set x", "/set parameter", "/set parameter warmth 1",
                 "/set format", "/set format xml", "/set quiet please", "/set think much", "/? x",
                 "/load", "/load nothing", "/show x", "hello"):  # fmt: skip
        answer = say(line)
        assert answer.status_code == 400, line
        assert answer.json()["errors"][0]["detail"]
    other = OllamaModelFactory(server=model.server, name="other:latest")
    loaded = say("/load other").json()
    assert (loaded["chat"]["model"], loaded["chat"]["context_from"]) == (other.pk, 0)
    assert "nothing" not in loaded["text"]
    OllamaModel.objects.filter(pk=other.pk).delete()
    gone = client.post(f"{URL}{chat.pk}/messages/", {"content": "Hi"})
    assert (gone.status_code, gone.json()["errors"][0]["code"]) == (409, "model_gone")
    assert client.get(f"{URL}{chat.pk}/").json()["model_name"] == "other:latest"


def test_a_model_that_is_loaded_begins_anew(client: APIClient, chat: ChatSession) -> None:
    for position, role in ((1, "user"), (2, "assistant")):
        ChatMessageFactory(session=chat, position=position, role=role, content="x" * position)
    ChatSession.objects.update(system="Be brief.")
    assert chat.model is not None
    other = OllamaModelFactory(server=chat.model.server, name="other:latest")

    def say(line: str) -> Any:
        return client.post(f"{URL}{chat.pk}/command/", {"command": line}).json()

    assert say("/load nothing")["errors"][0]["code"] == "model_missing"
    chat.refresh_from_db()
    assert (chat.model_id == other.pk, chat.context_from) == (False, 0)
    loaded = say("/load other")
    assert "told nothing of what was said so far" in loaded["text"]
    assert (loaded["chat"]["model"], loaded["chat"]["context_from"]) == (other.pk, 3)
    chat.refresh_from_db()
    assert told(chat, before=99) == [{"role": "system", "content": "Be brief."}]


def test_the_models_to_load_are_listed(
    client: APIClient, chat: ChatSession, model: OllamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed() -> list[str]:
        said = client.post(f"{URL}{chat.pk}/command/", {"command": "/list"}).json()["text"]
        return [line.split()[0] for line in said.splitlines()]

    names = {model.name, "another:latest", "big:7b"}
    for name in ("another:latest", "big:7b"):
        OllamaModelFactory(server=model.server, name=name)
    OllamaModelFactory(server=model.server, name="nomic-embed-text:latest")
    OllamaModelFactory(name="elsewhere:latest")
    assert listed() == sorted(names)
    monkeypatch.setattr("models_app.chat.commands.OFFERED", 1)
    assert listed() == [min(names), "and"]  # and 2 more


def test_what_a_chat_sets_is_shown_with_its_model(
    client: APIClient, chat: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = {
        "family": "f", "parameter_size": "1B", "quantization": "Q4_0", "context_length": 512,
        "capabilities": ["completion"], "parameters": "top_k 3",
    }  # fmt: skip
    monkeypatch.setattr("models_app.chat.command_show.describe_model", lambda _model: details)

    def shown(what: str) -> str:
        said = client.post(f"{URL}{chat.pk}/command/", {"command": f"/show {what}"})
        return str(said.json()["text"])

    assert "Of this chat" not in shown("info") + shown("parameters")
    ChatSession.objects.update(
        options={"seed": 7}, format="json", think=False, verbose=True, system="Be brief."
    )
    own = shown("info").partition("Of this chat:\n")[2].splitlines()
    assert own == ["Format: JSON", "Thinking: off", "Figures: all"]
    ChatSession.objects.update(think=True, think_level="high", format_schema={"type": "object"})
    assert "Format: JSON by a schema" in shown("info").splitlines()
    assert "Thinking: high" in shown("info").splitlines()
    assert shown("parameters") == "top_k 3\n\nOf this chat:\nseed 7"
    assert shown("system") == "Be brief."


def test_a_chat_is_saved_as_a_model(
    client: APIClient, chat: ChatSession, model: OllamaModel
) -> None:
    def say(line: str) -> Any:
        return client.post(f"{URL}{chat.pk}/command/", {"command": line})

    ChatSession.objects.update(options={"seed": 7}, system="Be brief.")
    assert "/save" in say("/help").json()["text"]
    said = say("/save pirate")
    assert said.status_code == 200, said.json()
    assert "pirate:latest" in said.json()["text"]
    made = OllamaModel.objects.get(name="pirate:latest")
    task = Task.objects.get(resource_type="model", resource_id=made.pk)
    assert (made.server, task.type) == (model.server, "model.recreate")
    changes = {"parameters": {"seed": 7}, "system": "Be brief."}
    assert (task.payload["changes"], task.payload["base"]) == (changes, model.name)
    record = AuditRecord.objects.get(verb="model.recreate")
    assert record.resource_name == "pirate:latest"
    assert "Be brief" not in str(record.data)
    for line, status in (("/save", 400), ("/save a b", 400), (f"/save {model.name}", 400),
                         ("/save pirate", 409)):  # fmt: skip
        answer = say(line)
        assert (answer.status_code, bool(answer.json()["errors"][0]["detail"])) == (status, True)


def test_who_may_not_recreate_models_saves_none(client: APIClient, chat: ChatSession) -> None:
    permission = Permission.objects.get(codename="recreate_ollamamodel")
    Group.objects.get(name="operator").permissions.remove(permission)
    assert "/save" not in client.post(f"{URL}{chat.pk}/command/", {"command": "/?"}).json()["text"]
    answer = client.post(f"{URL}{chat.pk}/command/", {"command": "/save pirate"})
    assert answer.status_code == 403
    assert not OllamaModel.objects.filter(name="pirate:latest").exists()


def test_replaced_answers_are_there_beside_the_current_one(
    client: APIClient, chat: ChatSession
) -> None:
    ChatMessageFactory(session=chat, position=1)
    old, new = (
        ChatMessageFactory(
            session=chat, position=2, role="assistant", content=text, is_current=text == "new"
        )
        for text in ("old", "new")
    )
    for message in (old, new):
        found = client.get(f"{URL}{chat.pk}/messages/{message.pk}/versions/").json()
        assert [(row["content"], row["is_current"]) for row in found["results"]] == [
            ("old", False), ("new", True),
        ]  # fmt: skip
    said = client.get(f"{URL}{chat.pk}/messages/").json()["results"]
    assert [row["id"] for row in said if row["role"] == "assistant"] == [new.pk]
    assert client.get(f"{URL}{chat.pk}/messages/999999/versions/").status_code == 404


def test_the_modelfile_is_shown_without_folders_of_the_machine(
    client: APIClient, chat: ChatSession, model: OllamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = {
        "parameters": 'temperature 0.7\nstop "<|user|>"',
        "template": "{{ .Prompt }}",
        "system": "",
        "license": "Free.",
    }
    monkeypatch.setattr("models_app.chat.command_show.describe_model", lambda _model: details)
    said = client.post(f"{URL}{chat.pk}/command/", {"command": "/show modelfile"}).json()["text"]
    assert said.splitlines() == [
        f"FROM {model.name}",
        "PARAMETER temperature 0.7",
        'PARAMETER stop "<|user|>"',
        'TEMPLATE """{{ .Prompt }}"""',
        'LICENSE """Free."""',
    ]
