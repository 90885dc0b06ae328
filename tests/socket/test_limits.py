"""What a client may not do, and that nothing it sends breaks anything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.components.waiting import wait_until
from tests.socket.conftest import NewUser, Open


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "null",
        "7",
        "[]",
        '"ping"',
        "{}",
        '{"type": 1}',
        '{"type": null}',
        '{"type": "model.changed"}',
        '{"type": "__init__"}',
        '{"type": "\\ud800"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "topics": "models"}',
        '{"type": "subscribe", "topics": {"models": 1}}',
        '{"type": "subscribe", "topics": [1, null]}',
        '{"type": "unsubscribe", "topics": [["models"]]}',
        '{"type": "subscribe", "topics": ["' + "m" * 9000 + '"]}',
        "[" * 60_000,
        "1" * 60_000,
        b"\x00\x01",
        b"",
    ],
)
def test_bad_input_is_answered_and_the_socket_goes_on(
    open_socket: Open, new_user: NewUser, browser_of: Any, text: str | bytes
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.send_text(text)
    error = listener.next("error")["data"]
    assert error["code"] in {"invalid_message", "unknown_type", "unknown_topic"}
    assert error["detail"]
    listener.subscribe("models")
    listener.next("snapshot")


def test_ping_is_answered(open_socket: Open, new_user: NewUser, browser_of: Any) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.send({"type": "ping"})
    assert listener.next("pong")["type"] == "pong"


def test_a_message_over_64_kb_closes(open_socket: Open, new_user: NewUser, browser_of: Any) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.send_text(json.dumps({"type": "ping", "pad": "x" * 65_000}))
    listener.next("pong")
    listener.send_text(json.dumps({"type": "ping", "pad": "x" * 66_000}))
    assert listener.close_code() == 4429
    assert listener.received[-1]["data"]["code"] == "message_too_long"


def test_a_long_message_counts_in_bytes(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.send_text('{"type": "ping", "pad": "' + "模" * 30_000 + '"}')
    assert listener.close_code() == 4429


def test_more_than_200_topics_close(open_socket: Open, new_user: NewUser, browser_of: Any) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe(*(f"model:{number}" for number in range(200)))
    heard = {listener.next("snapshot")["subject"] for _ in range(200)}
    assert len(heard) == 200
    listener.subscribe("model:0")
    listener.next("snapshot")
    listener.subscribe("models")
    assert listener.close_code() == 4429
    assert listener.received[-1]["data"]["code"] == "too_many_topics"


def test_a_user_has_20_sockets(open_socket: Open, new_user: NewUser, browser_of: Any) -> None:
    client = browser_of(new_user())
    listeners = [open_socket(client) for _ in range(20)]
    for listener in listeners:
        listener.next("hello")
    extra = open_socket(client)
    assert extra.close_code() == 4429
    assert extra.received[-1]["data"]["code"] == "too_many_sockets"
    open_socket(browser_of(new_user("somebody else"))).next("hello")
    listeners[0].close()

    def there_is_room() -> bool:
        return bool(open_socket(client).next()["type"] == "hello")

    wait_until(there_is_room, "a closed socket makes room")


def test_talking_too_fast_closes(open_socket: Open, new_user: NewUser, browser_of: Any) -> None:
    listener = open_socket(browser_of(new_user()))
    for _ in range(300):
        listener.send_text('{"type": "ping"}')
    assert listener.close_code() == 4429
    assert listener.received[-1]["data"]["code"] == "too_fast"
