"""Chats, on the simulated server and on the real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from audit_app.actors import Actor
from audit_app.models import AuditRecord
from models_app.chat.prompts import (
    Asked,
    edit_prompt,
    regenerate_answer,
    send_prompt,
    stop_answer,
)
from models_app.chat.records import ChatMessage, ChatSession, ModelUse
from models_app.chat.sessions import change_chat, create_chat, delete_chat, forget_context
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator, running_simulator
from tasks_app.models import Task
from tests.components.waiting import wait_until
from tests.factories import UserFactory, actor_of
from tests.models.backends import Backend
from tests.models.conftest import MB, Panel, row_of


@pytest.fixture
def user(panel: Panel) -> User:
    return UserFactory(role="operator")


@pytest.fixture
def me(user: User) -> Actor:
    return actor_of(user)


class Talk:
    """One chat, as its owner uses it."""

    def __init__(self, panel: Panel, actor: Actor, session: ChatSession) -> None:
        self.panel, self.actor, self.session = panel, actor, session

    def ask(self, text: str) -> Asked:
        return send_prompt(actor=self.actor, session=self.session, text=text)

    def answered(self, text: str, state: str = "succeeded") -> ChatMessage:
        asked = self.ask(text)
        self.panel.wait(asked.task, state, timeout=120)
        asked.answer.refresh_from_db()
        return asked.answer

    def transcript(self) -> list[tuple[str, str]]:
        rows = ChatMessage.objects.filter(session=self.session, is_current=True)
        return [(row.role, row.content) for row in rows.order_by("position")]


Begin = Callable[..., Talk]


@pytest.fixture
def begin(panel: Panel, simulator: RunningSimulator, me: Actor) -> Begin:
    """Begins a chat with a model that is put on the simulated server."""

    def make(name: str = "talker", *, on: RunningSimulator = simulator, **fields: Any) -> Talk:
        on.control.publish(
            name, MB, **({"family": fields.pop("family")} if "family" in fields else {})
        )
        return Talk(panel, me, create_chat(actor=me, model=panel.pulled(name), **fields))

    return make


def test_an_answer_is_kept_and_counted(backend: Backend, me: Actor) -> None:
    options = {"num_predict": 8, "temperature": 0, "seed": 1}
    session = create_chat(actor=me, model=backend.model(), options=options)
    talk = Talk(backend.panel, me, session)
    answer = talk.answered("Say hello.")
    assert answer.state == "complete"
    assert answer.content
    assert (answer.tokens, answer.done_reason) == (8, "length")
    assert answer.prompt_tokens
    assert answer.token_rate
    assert answer.first_token_seconds is not None
    assert answer.load_seconds is not None
    use = ModelUse.objects.get()
    assert (use.model_id, use.user_id, use.tokens) == (backend.model().pk, me.user.pk, 8)  # type: ignore[union-attr]
    assert use.prompt_tokens == answer.prompt_tokens
    assert backend.model().last_used_at is not None
    session.refresh_from_db()
    assert session.title == "Say hello."
    talk.answered("And again.")
    assert [role for role, _text in talk.transcript()] == ["user", "assistant"] * 2


@pytest.mark.usefixtures("engine")
def test_the_rows_are_there_before_the_work(begin: Begin) -> None:
    talk = begin()
    asked = talk.ask("Hello?")
    assert ChatMessage.objects.get(pk=asked.prompt.pk).content == "Hello?"
    assert ChatMessage.objects.filter(pk=asked.answer.pk, task=asked.task).exists()
    verbs = AuditRecord.objects.filter(user=talk.actor.user).values_list("verb", flat=True)
    assert sorted(verbs) == ["chat.create", "model.chat"]
    talk.panel.wait(asked.task)


@pytest.mark.usefixtures("engine")
def test_an_answer_in_json(begin: Begin) -> None:
    talk = begin(format="json")
    assert json.loads(talk.answered("A colour?").content)["you_wrote"] == "A colour?"
    change_chat(actor=talk.actor, session=talk.session, format=None)
    assert talk.answered("A colour?").content.endswith('You wrote: "A colour?"')
    with pytest.raises(InvalidInput):
        change_chat(actor=talk.actor, session=talk.session, format="xml")


def test_an_answer_fits_a_schema(backend: Backend, me: Actor) -> None:
    schema = {
        "type": "object",
        "properties": {"you_wrote": {"type": "string", "enum": ["red"]}},
        "required": ["you_wrote"],
    }
    options = {"num_predict": 60, "temperature": 0, "seed": 1}
    model = backend.model()
    session = create_chat(actor=me, model=model, options=options, format=schema)
    answer = Talk(backend.panel, me, session).answered("red")
    assert json.loads(answer.content)["you_wrote"] == "red"


@pytest.mark.usefixtures("engine")
def test_another_answer_and_an_edit_replace_what_was(begin: Begin) -> None:
    talk = begin()
    first = talk.answered("one")
    again = regenerate_answer(actor=talk.actor, message=first)
    talk.panel.wait(again.task)
    assert ChatMessage.objects.filter(session=talk.session).count() == 3
    talk.answered("two")
    prompt = ChatMessage.objects.get(session=talk.session, content="one")
    edited = edit_prompt(actor=talk.actor, message=prompt, text="three")
    talk.panel.wait(edited.task)
    (first_line, second_line) = talk.transcript()
    assert first_line == ("user", "three")
    assert "three" in second_line[1]
    with pytest.raises(Conflict):
        regenerate_answer(actor=talk.actor, message=first)
    with pytest.raises(Conflict, match="Only what you wrote"):
        edit_prompt(actor=talk.actor, message=edited.answer, text="four")
    assert ModelUse.objects.count() == 4


@pytest.mark.usefixtures("engine")
def test_a_stopped_answer_keeps_what_was_written(panel: Panel, begin: Begin) -> None:
    with running_simulator(tokens_per_second=20) as slow:
        panel.server = row_of(slow, "slow")
        talk = begin(on=slow)
        asked = talk.ask("a b c d e f g h i j k l m n o p q r s t u v w x y z")

        def says_something() -> bool:
            asked.answer.refresh_from_db()
            return len(asked.answer.content) > 10

        wait_until(says_something, "it has begun to answer")
        with pytest.raises(Conflict, match="answering"):
            talk.ask("And?")
        stop_answer(actor=talk.actor, message=asked.answer)
        panel.wait(asked.task, "cancelled")
        asked.answer.refresh_from_db()
        assert asked.answer.state == "stopped"
        assert asked.answer.content.startswith("This is a simulated")
        assert "z" not in asked.answer.content[-3:]
        with pytest.raises(Conflict, match="ended"):
            stop_answer(actor=talk.actor, message=asked.answer)
        again = regenerate_answer(actor=talk.actor, message=asked.answer)
        delete_chat(actor=talk.actor, session=talk.session)
        panel.wait(again.task, "cancelled")
        assert not ChatMessage.objects.exists()
        assert ModelUse.objects.count() == 1


@pytest.mark.usefixtures("engine")
def test_one_that_only_embeds_says_so(begin: Begin) -> None:
    answer = begin("vectors", family="bert").answered("Hello?", "failed")
    assert (answer.state, answer.error_code) == ("failed", "not_supported")
    assert "makes embeddings only" in str(answer.error)


@pytest.mark.usefixtures("engine")
def test_a_level_of_thinking_is_told_the_model(
    panel: Panel, simulator: RunningSimulator, me: Actor, begin: Begin
) -> None:
    simulator.control.install("qwen3:0.6b")
    session = create_chat(actor=me, model=panel.pulled("qwen3:0.6b"), think="high")
    talk = Talk(panel, me, session)
    assert talk.answered("Hello?").thinking.endswith("At high level.")
    change_chat(actor=me, session=session, think=True)
    assert talk.answered("Hello?").thinking.endswith("thinking looks.")
    change_chat(actor=me, session=session, think=False)
    assert not talk.answered("Hello?").thinking
    cannot = begin(think="low").answered("Hello?", "failed")
    assert "cannot think before it answers" in str(cannot.error)
    with pytest.raises(InvalidInput, match="low, medium, high, max"):
        change_chat(actor=me, session=session, think="much")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("fault", "details", "code"),
    [
        ("http_500_empty", {}, "server_error"),
        ("http_503", {}, "busy"),
        ("html", {}, "not_ollama"),
        ("http_error", {"status": 404, "message": "model 'x' not found"}, "model_missing"),
        # What Ollamas say that let few models have levels.
        (
            "http_error",
            {"status": 400, "message": 'think value "high" is not supported for this model'},
            "refused",
        ),
    ],
)
def test_what_goes_wrong_is_said_and_can_be_tried_again(
    begin: Begin, simulator: RunningSimulator, fault: str, details: dict[str, Any], code: str
) -> None:
    talk = begin()
    simulator.control.fault(fault, endpoint="/api/chat", count=1, **details)
    answer = talk.answered("Hello?", "failed")
    assert (answer.state, answer.error_code) == ("failed", code)
    words = details.get("message", "") if code == "refused" else ""
    assert words in str(answer.error)
    assert str(answer.error).endswith(".")
    again = regenerate_answer(actor=talk.actor, message=answer)
    talk.panel.wait(again.task)
    again.answer.refresh_from_db()
    assert again.answer.state == "complete"


@pytest.mark.usefixtures("engine")
def test_a_server_that_is_off(begin: Begin, simulator: RunningSimulator) -> None:
    talk = begin()
    simulator.stop()
    answer = talk.answered("Hello?", "failed")
    assert answer.error_code == "unreachable"


@pytest.mark.usefixtures("engine")
def test_the_model_is_told_what_was_said_since_the_context_began(
    begin: Begin, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models_app.ollama.client import OllamaClient

    told: list[Any] = []
    chat = OllamaClient.chat

    def spy(self: OllamaClient, name: Any, messages: Any, **options: Any) -> Any:
        told.append((messages, options))
        return chat(self, name, messages, **options)

    monkeypatch.setattr(OllamaClient, "chat", spy)
    talk = begin(system="Be brief.", options={"temperature": "0.5"})
    first = talk.answered("one")
    talk.answered("two")
    messages, options = told[-1]
    assert [m["content"] for m in messages] == ["Be brief.", "one", first.content, "two"]
    assert options["options"]["temperature"] == 0.5
    forget_context(actor=talk.actor, session=talk.session)
    change_chat(actor=talk.actor, session=talk.session, system="")
    talk.answered("three")
    assert [m["content"] for m in told[-1][0]] == ["three"]
    assert len(talk.transcript()) == 6


def test_bad_input(panel: Panel, begin: Begin, engine: object) -> None:
    talk = begin()
    for text in ("", "  \n "):
        with pytest.raises(InvalidInput) as refused:
            talk.ask(text)
        assert refused.value.attr == "content"
    with pytest.raises(InvalidInput, match="There is no parameter"):
        change_chat(actor=talk.actor, session=talk.session, options={"warmth": 1})
    assert not Task.objects.filter(type="model.chat").exists()
