"""What is written of an answer while it comes never comes over the whole of it."""

from __future__ import annotations

import asyncio
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from models_app.chat.answers import Order
from models_app.models import OllamaModel
from models_app.ollama.types import GenerateLine
from models_app.runners import chats
from tests.components.waiting import wait_until


def order() -> Order:
    return Order(
        session_id=1,
        message_id=1,
        epoch=1,
        model=OllamaModel(),
        messages=[],
        options={},
        think=None,
        format=None,
    )


async def test_a_write_that_waits_for_the_database_is_not_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits, goes_on = Event(), Event()
    written: list[str] = []

    def save(_order: object, *, text: str, **_others: Any) -> bool:
        if not waits.is_set():
            waits.set()
            assert goes_on.wait(20)
        written.append(text)
        return True

    monkeypatch.setattr(chats, "save_answer", save)
    monkeypatch.setattr(chats, "publisher", lambda: SimpleNamespace(send=lambda _event: None))
    monkeypatch.setattr(chats, "SAVE_EVERY", 0)
    answer = chats._Answer(order(), was_loaded=True)

    async def stream() -> None:
        async with answer:
            answer.take(GenerateLine(text="Half"))
            await asyncio.to_thread(wait_until, waits.is_set, "half of it is being written")
            answer.take(GenerateLine(text=" and half"))

    whole = asyncio.create_task(stream())
    while len(answer.writing.text) < len("Half and half"):
        await asyncio.sleep(0)
    for _turn in range(20):  # the stream has ended, and wants to write the whole
        await asyncio.sleep(0)
    # The other thread that writes does this next, behind the whole answer if that is to be written.
    chats._SAVERS.submit(goes_on.set)
    await whole
    await asyncio.to_thread(wait_until, lambda: len(written) > 1, "both are written")
    assert written[-1] == "Half and half"
