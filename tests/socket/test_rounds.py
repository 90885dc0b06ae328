"""What comes faster than it can be handed out loses numbers that are old, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from tasks_app.publisher import Event, publisher
from tasks_app.sockets.frames import frame_of
from tests.socket.conftest import NewUser, Open

NUMBERS = 3000


def progress(task: int, seq: int) -> Event:
    return Event("task.progress", f"task:{task}", seq, {"id": task, "done": seq}, ("models",))


def test_the_newest_numbers_come_and_every_change_of_state(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.subscribe("models")
    listener.next("snapshot")
    for seq in range(1, NUMBERS + 1):
        for task in (1, 2):
            publisher().send(progress(task, seq))
        if seq % 1000 == 0:
            data = {"id": 1, "state": "running", "number": seq}
            publisher().send(Event("task.changed", "task:1", seq, data, ("models",)))
    while not {("task:1", NUMBERS), ("task:2", NUMBERS)} <= heard(listener.received):
        listener.next("task.progress")
    while len(changes := [m for m in listener.received if m["type"] == "task.changed"]) < 3:
        listener.next("task.changed")
    assert [message["data"]["number"] for message in changes] == [1000, 2000, 3000]
    for subject in ("task:1", "task:2"):
        numbers = [
            message["seq"]
            for message in listener.received
            if message["type"] == "task.progress" and message["subject"] == subject
        ]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == NUMBERS


def heard(messages: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(m["subject"], m["seq"]) for m in messages if m["type"] == "task.progress"}


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_frame_reads_as_the_text(size: int) -> None:
    text = "模" + "x" * size if size else ""
    reader = StreamReader()
    reader.feed_data(frame_of(text))
    reading = Frame.parse(reader.read_exact, mask=False)
    try:
        next(reading)
    except StopIteration as done:
        frame = done.value
    except ProtocolError as error:
        pytest.fail(str(error))
    assert (frame.opcode, frame.fin, frame.data.decode()) == (Opcode.TEXT, True, text)
    assert reader.buffer == b""
