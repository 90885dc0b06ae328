"""Valkey dies and comes back: the sockets stay, and are told how things stand."""

from __future__ import annotations

from typing import Any

from models_app.models import OllamaModel, OllamaServer
from tasks_app.live import publish
from tasks_app.sequence import next_seq
from tests.components.waiting import wait_until
from tests.helpers.valkey import ValkeyProcess
from tests.socket.client import Listener
from tests.socket.conftest import NewUser, Open


def hears_events(listener: Listener) -> bool:
    """Publish until an event comes through; the test process's own connection was lost too."""
    publish("model.changed", subject="model:1", seq=1, data={"id": 1}, topics=["models"])
    try:
        return bool(listener.next("model.changed", timeout=0.3))
    except TimeoutError:
        return False


def test_sockets_stay_and_get_a_snapshot(
    valkey: ValkeyProcess, open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    server = OllamaServer.objects.create(name="Local", base_url="http://127.0.0.1:9")
    model = OllamaModel.objects.create(server=server, name="llama3.2:latest", seq=next_seq(0))
    client = browser_of(new_user())
    listeners = [open_socket(client) for _ in range(3)]
    for listener in listeners:
        listener.subscribe("models", f"model:{model.pk}")
        for _ in range(2):
            listener.next("snapshot")
    for _ in range(2):
        valkey.stop()
        # Nobody can be told of this one.
        model.seq, model.message = next_seq(model.seq), f"changed at {model.seq}"
        model.save(update_fields=["seq", "message"])
        valkey.start()
        for listener in listeners:
            found = [listener.next("snapshot", timeout=10) for _ in range(2)]
            of_model = next(m for m in found if m["subject"] == f"model:{model.pk}")
            assert of_model["data"]["message"] == str(model.message)
            assert of_model["seq"] == model.seq
    wait_until(lambda: hears_events(listeners[0]), "events flow again")
    for listener in listeners[1:]:
        listener.next("model.changed")


def test_a_page_opens_without_valkey_and_hears_when_it_is_back(
    valkey: ValkeyProcess, open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    valkey.stop()
    listener = open_socket(browser_of(new_user()))
    listener.subscribe("models")
    assert listener.next("snapshot")["data"] == {"models": []}
    listener.hears_nothing_but()
    valkey.start()
    assert listener.next("snapshot", timeout=10)["subject"] == "models"
    wait_until(lambda: hears_events(listener), "events flow")
