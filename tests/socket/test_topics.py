"""What a socket hears: a snapshot of each topic, then the events that follow, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from models_app.events import announce_model, announce_model_removed, announce_server
from models_app.models import OllamaModel, OllamaServer
from tasks_app.live import publish
from tasks_app.sequence import next_seq
from tests.socket.conftest import NewUser, Open


@pytest.fixture
def server(transactional_db: None) -> OllamaServer:
    return OllamaServer.objects.create(name="Local", base_url="http://127.0.0.1:9")


@pytest.fixture
def model(server: OllamaServer) -> OllamaModel:
    return OllamaModel.objects.create(server=server, name="llama3.2:latest", seq=next_seq(0))


def change(model: OllamaModel, message: str) -> None:
    model.message = message
    model.seq = next_seq(model.seq)
    model.save(update_fields=["message", "seq"])
    announce_model(model)


def test_a_snapshot_comes_first_and_events_follow_in_order(
    open_socket: Open, new_user: NewUser, browser_of: Any, model: OllamaModel
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe(f"model:{model.pk}")
    snapshot = listener.next("snapshot")
    assert snapshot["subject"] == f"model:{model.pk}"
    assert snapshot["seq"] == snapshot["data"]["seq"] == model.seq
    assert snapshot["data"]["name"] == "llama3.2:latest"
    for number in range(30):
        change(model, f"step {number}")
    heard = [listener.next("model.changed") for _ in range(30)]
    assert [event["data"]["message"] for event in heard] == [f"step {n}" for n in range(30)]
    seqs = [snapshot["seq"], *(event["seq"] for event in heard)]
    assert seqs == sorted(set(seqs))
    assert all(event["subject"] == f"model:{model.pk}" for event in heard)
    assert all(event["ts"].endswith("Z") for event in heard)
    assert "topics" not in heard[0]


def test_a_list_tells_of_every_row(
    open_socket: Open, new_user: NewUser, browser_of: Any, model: OllamaModel, server: OllamaServer
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe("models", "servers")
    snapshots = {m["subject"]: m["data"] for m in (listener.next("snapshot") for _ in range(2))}
    assert [row["id"] for row in snapshots["models"]["models"]] == [model.pk]
    assert [row["id"] for row in snapshots["servers"]["servers"]] == [server.pk]
    announce_model_removed(pk=model.pk, seq=model.seq, server=server.pk)
    assert listener.next("model.removed")["subject"] == f"model:{model.pk}"


def test_an_event_of_two_topics_comes_once(
    open_socket: Open, new_user: NewUser, browser_of: Any, model: OllamaModel, server: OllamaServer
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe("models", f"model:{model.pk}", "servers")
    for _ in range(3):
        listener.next("snapshot")
    announce_server(server)
    change(model, "last")
    listener.next("model.changed")
    assert [m["type"] for m in listener.received].count("server.changed") == 1
    listener.hears_nothing_but()


def test_topics_that_were_not_asked_for_are_not_heard(
    open_socket: Open, new_user: NewUser, browser_of: Any, model: OllamaModel, server: OllamaServer
) -> None:
    other = OllamaModel.objects.create(server=server, name="qwen3:latest", key="qwen3")
    listener = open_socket(browser_of(new_user()))
    listener.subscribe(f"model:{model.pk}")
    listener.next("snapshot")
    change(other, "elsewhere")
    change(model, "here")
    assert listener.next("model.changed")["data"]["message"] == "here"


def test_what_is_unsubscribed_is_heard_no_more(
    open_socket: Open, new_user: NewUser, browser_of: Any, model: OllamaModel, server: OllamaServer
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe("models", "servers")
    for _ in range(2):
        listener.next("snapshot")
    listener.send({"type": "unsubscribe", "topics": ["models", "model:99"]})
    listener.hears_nothing_but()
    change(model, "unheard")
    server.seq = next_seq(server.seq)
    announce_server(server)
    listener.next("server.changed")
    assert "model.changed" not in {message["type"] for message in listener.received}


def test_a_thing_that_is_not_there_has_an_empty_snapshot(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe("model:007")
    snapshot = listener.next("snapshot")
    assert (snapshot["subject"], snapshot["data"], snapshot["seq"]) == ("model:7", None, 0)


def test_each_subscribe_is_answered_even_when_it_is_said_again(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    listener = open_socket(browser_of(new_user()))
    for _ in range(3):
        listener.subscribe("models")
        assert listener.next("snapshot")["subject"] == "models"


def test_what_is_not_permitted_is_refused_and_the_rest_is_heard(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    from django.contrib.auth.models import Permission

    user = new_user(role=None)
    user.user_permissions.add(Permission.objects.get(codename="view_ollamaserver"))
    listener = open_socket(browser_of(user))
    listener.subscribe("models", "servers", "model:3")
    error = listener.next("error")["data"]
    assert (error["code"], error["topics"]) == ("permission_denied", ["models", "model:3"])
    assert listener.next("snapshot")["subject"] == "servers"
    publish("model.changed", subject="model:3", seq=1, data={"id": 3}, topics=["models", "model:3"])
    publish("server.changed", subject="server:1", seq=1, data={"id": 1}, topics=["servers"])
    listener.next("server.changed")
    assert "model.changed" not in {message["type"] for message in listener.received}


def test_who_may_hear_nothing_that_was_asked_for_is_closed(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    listener = open_socket(browser_of(new_user(role=None)))
    listener.subscribe("models", "model:1")
    assert listener.close_code() == 4403
    assert listener.received[-1]["data"]["code"] == "permission_denied"


def test_the_same_permissions_hold_for_a_token(open_socket: Open, new_user: NewUser) -> None:
    from audit_app.models import ApiToken

    _, text = ApiToken.objects.create(new_user(role=None))
    listener = open_socket(origin=None)
    listener.send({"type": "auth", "token": text})
    listener.subscribe("models")
    assert listener.close_code() == 4403


@pytest.mark.parametrize(
    "topic",
    ["nothing", "model", "models:1", "model:x", "model:-1", "model:1 ", "user:1", "", "\ud800"],
)
def test_an_unknown_topic_is_an_error_and_no_more(
    open_socket: Open, new_user: NewUser, browser_of: Any, topic: str
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe(topic, "models")
    assert listener.next("error")["data"]["code"] == "unknown_topic"
    assert listener.next("snapshot")["subject"] == "models"


def test_a_notice_reaches_its_user_alone(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    meant, other = new_user("meant"), new_user("other")
    mine, theirs = open_socket(browser_of(meant)), open_socket(browser_of(other))
    for listener in (mine, theirs):
        listener.subscribe("models")
        listener.next("snapshot")
    topic = f"user:{meant.pk}"
    publish("notice", subject=topic, seq=1, data={"text": "done"}, topics=[topic])
    assert mine.next("notice")["data"] == {"text": "done"}
    publish("model.changed", subject="model:1", seq=1, data={"id": 1}, topics=["models"])
    theirs.next("model.changed")
    assert "notice" not in {message["type"] for message in theirs.received}


def test_an_error_is_in_the_language_of_the_socket(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    from django.utils.translation import gettext, override

    client = browser_of(new_user())
    listener = open_socket(client, language="zh-hans")
    listener.send_text("{")
    with override("zh-hans"):
        assert listener.next("error")["data"]["detail"] == gettext("This is not JSON.")
