"""Asking a model, in a chat: each answer is a task, and its row is there before anybody is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.chat.answers import REPLACED, touch
from models_app.chat.choices import UNDER_WAY, AnswerState, Role
from models_app.chat.events import CHAT
from models_app.chat.limits import LONGEST_PROMPT, TITLE_FROM_PROMPT
from models_app.chat.records import ChatMessage, ChatSession
from models_app.chat.sessions import last_position, locked_chat, model_to_ask
from models_app.models import OllamaModel
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.lib.sentences import Sentence
from tasks_app.models import Task
from tasks_app.services import create_task
from tasks_app.words import ask_to_cancel

# Somebody sits and waits: before what works in the background.
PRIORITY = 10


@dataclass(frozen=True)
class Asked:
    """A prompt and the answer that is on its way."""

    prompt: ChatMessage
    answer: ChatMessage
    task: Task


def send_prompt(*, actor: Actor, session: ChatSession, text: str) -> Asked:
    """Ask the chat's model. Raises `InvalidInput`, and `Conflict` (code `answering`, extra `task`)
    while it answers."""
    actor.require(CHAT)
    text = _checked(text)
    with _alone(), transaction.atomic():
        row = locked_chat(session)
        _require_silence(row)
        position = last_position(row) + 1
        if not row.title:
            row.title = _title_of(text)
        return _ask(actor, row, position, text)


def edit_prompt(*, actor: Actor, message: ChatMessage, text: str) -> Asked:
    """Ask anew from here: this prompt and all that followed it are replaced."""
    actor.require(CHAT)
    text = _checked(text)
    with _alone(), transaction.atomic():
        row = locked_chat(message.session)
        _require_silence(row)
        _require_current(message, Role.USER)
        _replace_from(row, message.position)
        return _ask(actor, row, message.position, text)


def regenerate_answer(*, actor: Actor, message: ChatMessage) -> Asked:
    """Ask for another answer to the same prompt; what followed the old one is replaced too."""
    actor.require(CHAT)
    with _alone(), transaction.atomic():
        row = locked_chat(message.session)
        _require_silence(row)
        _require_current(message, Role.ASSISTANT)
        prompt = ChatMessage.objects.get(
            session=row, is_current=True, position=message.position - 1
        )
        _replace_from(row, message.position)
        return _answer(actor, row, prompt)


def stop_answer(*, actor: Actor, message: ChatMessage) -> ChatMessage:
    """Stop an answer; what was written stays. `Conflict` (code `ended`) where it has ended."""
    actor.require(CHAT)
    with transaction.atomic():
        if (
            not message.is_under_way
            or not message.task_id
            or ask_to_cancel(message.task_id) is None
        ):
            raise Conflict(_("This answer has ended already."), code="ended")
    message.refresh_from_db()
    return message


def _ask(actor: Actor, session: ChatSession, position: int, text: str) -> Asked:
    prompt = ChatMessage.objects.create(
        session=session,
        position=position,
        role=Role.USER,
        content=text,
        state=AnswerState.COMPLETE,
    )
    return _answer(actor, session, prompt)


def _answer(actor: Actor, session: ChatSession, prompt: ChatMessage) -> Asked:
    model = model_to_ask(session)
    answer = ChatMessage.objects.create(
        session=session,
        position=prompt.position + 1,
        role=Role.ASSISTANT,
        state=AnswerState.PENDING,
        model_name=model.name,
    )
    task = create_task(
        type="model.chat",
        actor=actor,
        resource_type="chat",
        resource_id=session.pk,
        resource_name=model.name,
        payload={
            "message": answer.pk,
            "place": {"server": model.server_id, "name": model.server.name},
        },
        priority=PRIORITY,
    )
    answer.task = task
    answer.save(update_fields=["task"])
    _record(actor, session, model, task)
    touch(session, "title")
    return Asked(prompt, answer, task)


def _record(actor: Actor, session: ChatSession, model: OllamaModel, task: Task) -> None:
    record_action(
        actor=actor,
        verb="model.chat",
        resource_type="model",
        resource_id=model.pk,
        resource_name=model.name,
        data={"server": model.server.name, "chat": session.pk, "task": task.pk},
    )


def _replace_from(session: ChatSession, position: int) -> None:
    rows = ChatMessage.objects.filter(session=session, is_current=True, position__gte=position)
    rows.update(is_current=False)
    if session.context_from > position:
        session.context_from = position
        session.save(update_fields=["context_from"])


def _require_silence(session: ChatSession) -> None:
    live = ChatMessage.objects.filter(session=session, is_current=True, state__in=UNDER_WAY)
    message = live.first()
    if message is not None:
        raise _answering(message.task_id)


def _require_current(message: ChatMessage, role: Role) -> None:
    message.refresh_from_db()
    if not message.is_current:
        raise Conflict(REPLACED, code="replaced")
    if message.role != role:
        wanted = {
            Role.USER: gettext_noop("Only what you wrote can be edited."),
            Role.ASSISTANT: gettext_noop("Only an answer can be asked for again."),
        }
        raise Conflict(Sentence(wanted[role]), code="wrong_role")


def _answering(task: int | None) -> Conflict:
    return Conflict(
        _("The model is answering. Wait for it, or stop it first."),
        code="answering",
        extra={"task": task},
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Of two that ask at the same moment, one is told that the model answers already."""
    try:
        yield
    except IntegrityError as error:
        raise _answering(None) from error


def _checked(text: str) -> str:
    if not text.strip():
        raise InvalidInput(_("Write something to ask."), code="blank", attr="content")
    if len(text) > LONGEST_PROMPT:
        said = gettext_noop("A prompt may have {most} characters at most.")
        raise InvalidInput(Sentence(said, most=LONGEST_PROMPT), code="too_long", attr="content")
    return text.replace("\r\n", "\n").strip("\n")


def _title_of(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_FROM_PROMPT else line[: TITLE_FROM_PROMPT - 1] + "…"
