"""A slow reader gets the newest numbers and every change of state, and delays nobody."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from tasks_app.publisher import Event, publisher
from tests.socket.client import Listener
from tests.socket.conftest import NewUser, Open
from tests.socket.test_slow_client import open_deaf_socket

pytestmark = pytest.mark.alone

TASKS, NUMBERS, CHANGES_EVERY = 5, 600, 30


def publish(type: str, task: int, seq: int) -> None:
    data = {"id": task, "done": seq, "state": "running", "filling": "x" * 500}
    publisher().send(Event(type, f"task:{task}", seq, data, ("models",)))


def messages_of(reader: socket.socket) -> Iterator[dict[str, Any]]:
    """The texts in what comes after the handshake, as JSON; pings are left out."""
    stream = reader.makefile("rb")
    while stream.readline() not in (b"\r\n", b""):
        pass
    while head := stream.read(2):
        size = head[1]
        if size in (126, 127):
            size = int.from_bytes(stream.read(2 if size == 126 else 8))
        payload = stream.read(size)
        if head[0] == 0x81:
            yield json.loads(payload)


def numbers_and_changes(good: Listener) -> None:
    """Publish numbers of some tasks, and changes of one, each of which a good reader has heard."""
    for seq in range(1, NUMBERS + 1):
        for task in range(1, TASKS + 1):
            publish("task.progress", task, seq)
        if seq % CHANGES_EVERY == 0:
            publish("task.changed", 1, seq)
            # Who reads at once has had all that came before it.
            while good.next("task.changed")["seq"] < seq:
                pass
    publish("task.changed", 1, NUMBERS + 1)


def assert_newest_of(messages: Iterator[dict[str, Any]]) -> None:
    """Who begins to read now gets every change, and the newest numbers without most of the old."""
    heard = []
    for message in messages:
        heard.append(message)
        if message["type"] == "task.changed" and message["seq"] > NUMBERS:
            break
    changes = [m["seq"] for m in heard if m["type"] == "task.changed"]
    assert changes == [*range(CHANGES_EVERY, NUMBERS + 1, CHANGES_EVERY), NUMBERS + 1]
    for task in range(1, TASKS + 1):
        numbers = [m["seq"] for m in heard if m["subject"] == f"task:{task}"]
        assert numbers == sorted(numbers)
    newest = {m["subject"]: m["seq"] for m in heard if m["type"] == "task.progress"}
    assert newest == {f"task:{task}": NUMBERS for task in range(1, TASKS + 1)}
    # What the kernel took before it was full, and what was the newest afterwards.
    assert len(heard) < TASKS * NUMBERS / 4


def test_old_numbers_give_way_and_changes_do_not(
    panel: str, open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    client = browser_of(new_user())
    good = open_socket(client)
    good.subscribe("models")
    good.next("snapshot")
    slow = open_deaf_socket(panel, client.cookies[settings.SESSION_COOKIE_NAME].value)
    slow.settimeout(20)
    messages = messages_of(slow)
    while next(messages)["type"] != "snapshot":
        pass
    numbers_and_changes(good)
    assert_newest_of(messages)
    slow.close()
