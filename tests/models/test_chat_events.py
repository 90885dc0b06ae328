"""What those hear who watch an answer come, and an answer that outlives its worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit_app.actors import Actor
from models_app.chat.events import topic_of
from models_app.chat.prompts import send_prompt
from models_app.chat.records import ChatMessage, ChatSession, ModelUse
from models_app.chat.sessions import create_chat
from models_app.chat.writing import Writing
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.live import parse_topic
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.factories import UserFactory, actor_of
from tests.helpers.database import database_url
from tests.helpers.valkey import ValkeyProcess
from tests.models.conftest import MB, Panel, row_of
from tests.tasks.ear import Ear
from tests.tasks.worker_process import WorkerProcess

LONG = " ".join(f"word{number}🙂" for number in range(60))


@pytest.fixture
def me(panel: Panel) -> Actor:
    return actor_of(UserFactory(role="operator"))


@pytest.fixture
def ear(panel: Panel, valkey: ValkeyProcess) -> Iterator[Ear]:
    hearing = Ear(valkey.url)
    yield hearing
    hearing.close()


@pytest.fixture
def slow(panel: Panel) -> Iterator[RunningSimulator]:
    with running_simulator(tokens_per_second=60) as simulator:
        panel.server = row_of(simulator, "slow")
        yield simulator


def text_heard(events: list[dict[str, Any]], message: int) -> tuple[str, str]:
    """Answer and thinking as a page puts them together, from the events of the last attempt."""
    parts = {"text": "", "thinking": ""}
    attempt = 0
    for event in events:
        data = event["data"]
        if event["type"] != "chat.delta" or data["message"] != message:
            continue
        if data["attempt"] > attempt:
            attempt, parts = data["attempt"], {"text": "", "thinking": ""}
        for name, offset in (("text", "offset"), ("thinking", "thinking_offset")):
            assert data[offset] <= len(parts[name]), "a gap"
            parts[name] = parts[name][: data[offset]] + data[name]
    return parts["text"], parts["thinking"]


def begun(panel: Panel, simulator: RunningSimulator, me: Actor, name: str = "") -> ChatSession:
    if not name:
        simulator.control.publish("talker", MB)
        name = "talker"
    return create_chat(actor=me, model=panel.pulled(name))


@pytest.mark.usefixtures("engine")
def test_an_answer_is_heard_while_it_comes(
    panel: Panel, slow: RunningSimulator, me: Actor, ear: Ear
) -> None:
    session = begun(panel, slow, me)
    asked = send_prompt(actor=me, session=session, text=LONG)
    panel.wait(asked.task)
    ear.wait_for("chat.changed", id=session.pk, last_state="complete")
    asked.answer.refresh_from_db()
    heard, _thinking = text_heard(ear.events, asked.answer.pk)
    assert heard == asked.answer.content
    deltas = [event for event in ear.events if event["type"] == "chat.delta"]
    assert len(deltas) > 15
    assert {tuple(event["topics"]) for event in deltas} == {(topic_of(session.pk),)}
    # Whoever reads the row at any time and then hears the next news misses nothing.
    assert all(len(event["data"]["text"]) < len(heard) for event in deltas[20:])
    tasks = [e for e in ear.events if e["type"] == "task.progress" and e["data"]["phase"]]
    assert any(topic_of(session.pk) in event["topics"] for event in tasks)
    assert not [event for event in ear.events if event["type"] == "notice"
                and event["data"]["task"] == asked.task.pk]  # fmt: skip


@pytest.mark.usefixtures("engine")
def test_thinking_is_told_apart(
    panel: Panel, simulator: RunningSimulator, me: Actor, ear: Ear
) -> None:
    simulator.control.install("qwen3:0.6b")
    session = begun(panel, simulator, me, "qwen3:0.6b")
    asked = send_prompt(actor=me, session=session, text="Hi")
    panel.wait(asked.task)
    ear.wait_for("chat.changed", id=session.pk, last_state="complete")
    asked.answer.refresh_from_db()
    assert asked.answer.thinking.startswith("They want to see")
    assert text_heard(ear.events, asked.answer.pk) == (asked.answer.content, asked.answer.thinking)


@pytest.mark.usefixtures("engine")
def test_one_that_breaks_off_keeps_what_came(
    panel: Panel, simulator: RunningSimulator, me: Actor
) -> None:
    session = begun(panel, simulator, me)
    simulator.control.fault("cut_answer", endpoint="/api/chat", at_bytes=5, count=1)
    asked = send_prompt(actor=me, session=session, text="Hi")
    panel.wait(asked.task, "failed")
    asked.answer.refresh_from_db()
    assert (asked.answer.state, asked.answer.error_code) == ("failed", "stream_cut")
    assert asked.answer.content == "This is a simulated answer"
    assert asked.answer.tokens == 5


@pytest.mark.usefixtures("engine")
def test_a_snapshot_is_for_the_owner_and_goes_on_where_the_row_is(
    panel: Panel, slow: RunningSimulator, me: Actor
) -> None:
    session = begun(panel, slow, me)
    kind, number = parse_topic(topic_of(session.pk))
    assert me.user is not None
    assert kind.allows(me.user, number)
    for other in (UserFactory(role="administrator"), UserFactory(is_superuser=True)):
        assert not kind.allows(other, number)
    assert not kind.allows(me.user, session.pk + 1)
    asked = send_prompt(actor=me, session=session, text=LONG)

    def snapshot() -> dict[str, Any]:
        data = kind.snapshot(number)
        assert data is not None
        return data

    wait_until(lambda: (snapshot()["answering"] or {}).get("text"), "some of it is kept")
    assert snapshot()["answering"]["message"] == asked.answer.pk
    panel.wait(asked.task)
    assert snapshot()["answering"] is None
    assert snapshot()["last_state"] == "complete"


def test_news_overlap_what_the_row_has() -> None:
    writing = Writing()
    writing.add("one ", "")
    assert writing.take_news() == {
        "offset": 0,
        "text": "one ",
        "thinking_offset": 0,
        "thinking": "",
    }
    writing.add("two ", "")
    assert writing.take_news()["text"] == "one two "
    writing.add("three", "")
    writing.note_saved(text="one two three", thinking="")
    news = writing.take_news()  # the row is ahead of what was told
    assert (news["offset"], news["text"]) == (8, "three")
    assert not writing.is_unsaved


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["\n\n", "Hello"], "Hello"),
        (["\n", " ", "\r\n", "\t", "Hello"], "\tHello"),
        ([" ", "\n    code\n\n", "\nmore"], "    code\n\n\nmore"),
        ([" Hello"], " Hello"),
        (["\n"] * 3, ""),
        ([" "] * 300, " " * 300),
    ],
)
def test_no_blank_lines_stand_above_the_first_word(parts: list[str], text: str) -> None:
    writing = Writing()
    heard = ""
    for part in parts:
        writing.add(part, part)
        news = writing.take_news()
        heard = heard[: news["offset"]] + news["text"]
    assert (writing.text, writing.thinking, heard) == (text, text, text)
    assert writing.tokens == len(parts)
    assert writing.length == 2 * len("".join(parts)), "blank lines count: an answer has an end"


def test_an_answer_outlives_its_worker(
    panel: Panel, slow: RunningSimulator, me: Actor, ear: Ear, valkey: ValkeyProcess, tmp_path: Path
) -> None:
    worker = WorkerProcess(tmp_path / "one", database_url(), valkey.url, threads=8).start()
    try:
        session = begun(panel, slow, me)
        asked = send_prompt(actor=me, session=session, text=LONG)

        def is_begun() -> bool:
            return ChatMessage.objects.filter(pk=asked.answer.pk, tokens__gt=5).exists()

        wait_until(is_begun, "it answers", 30)
        worker.kill()
        worker.start()
        panel.wait(asked.task, timeout=60)
        ear.wait_for("chat.changed", id=session.pk, last_state="complete")
    finally:
        worker.end()
    asked.answer.refresh_from_db()
    assert (asked.answer.state, asked.answer.restarts) == ("complete", 1)
    assert asked.answer.content.count("This is a simulated answer") == 1
    assert ModelUse.objects.count() == 1
    assert Task.objects.get(pk=asked.task.pk).lost_count == 1
    assert text_heard(ear.events, asked.answer.pk)[0] == asked.answer.content
