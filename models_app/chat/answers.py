"""An answer's row: begun by a worker, written to while it streams, and settled with its task.

Every write of a worker is fenced by the epoch of its task's claim: an answer that was given to
another worker is not written to any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from models_app.chat.choices import UNDER_WAY, AnswerState, Format, Think
from models_app.chat.events import announce_chat
from models_app.chat.limits import LONGEST_TOLD, MOST_TOLD
from models_app.chat.records import ChatMessage, ChatSession, ModelUse
from models_app.models import OllamaModel
from models_app.services.states import save_model
from ollamactl.lib.errors import Conflict
from ollamactl.lib.sentences import Sentence, from_stored
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.runners import Stopped, TaskFailed
from tasks_app.sequence import next_seq
from tasks_app.transitions import held

FIGURES = (
    "done_reason",
    "prompt_tokens",
    "tokens",
    "load_seconds",
    "first_token_seconds",
    "token_rate",
    "seconds",
)
REPLACED = Sentence(gettext_noop("This answer is not part of its chat any more."))
MODEL_GONE = Sentence(
    gettext_noop("The model of this chat is gone from the panel. Choose another one with /load.")
)


@dataclass(frozen=True)
class Order:
    """All that a worker needs to answer, so that it asks the database for nothing more."""

    session_id: int
    message_id: int
    epoch: int
    model: OllamaModel
    messages: list[dict[str, str]]
    options: dict[str, Any]
    think: Think
    format: Format


def begin_answer(task: Task) -> Order:
    """Take the answer for this attempt: its row is empty and streaming.

    Raises `Stopped` where the task has another worker by now, `TaskFailed` where it cannot begin.
    """
    message_id = int(task.payload.get("message", 0))
    with transaction.atomic():
        if not Task.objects.filter(held(task), pk=task.pk).exists():
            raise Stopped
        rows = ChatMessage.objects.filter(pk=message_id, state__in=UNDER_WAY, is_current=True)
        if not rows.filter(epoch__lt=task.epoch).update(
            epoch=task.epoch, state=AnswerState.STREAMING, content="", thinking="", tokens=None
        ):
            raise TaskFailed(REPLACED, code="replaced")
    message = ChatMessage.objects.select_related("session").get(pk=message_id)
    session = message.session
    model = OllamaModel.objects.select_related("server").filter(pk=session.model_id or 0).first()
    if model is None:
        raise TaskFailed(MODEL_GONE, code="model_gone")
    return Order(
        session_id=session.pk,
        message_id=message.pk,
        epoch=task.epoch,
        model=model,
        messages=told(session, before=message.position),
        options=dict(session.options),
        think=session.think_value,
        format=session.format_value,
    )


def told(session: ChatSession, *, before: int) -> list[dict[str, str]]:
    """What a model is told: the system prompt and the newest of what was said, bounded."""
    said = ChatMessage.objects.filter(
        session=session, is_current=True, position__lt=before, position__gte=session.context_from
    )
    chosen: list[dict[str, str]] = []
    size = 0
    for message in said.order_by("-position").only("role", "content")[:MOST_TOLD]:
        size += len(message.content)
        if size > LONGEST_TOLD and chosen:
            break
        if message.content:
            chosen.append({"role": message.role, "content": message.content})
    system = [{"role": "system", "content": session.system}] if session.system else []
    return [*system, *reversed(chosen)]


def save_answer(order: Order, *, text: str, thinking: str, tokens: int) -> bool:
    """Write what there is of an answer; False where it is another worker's, or ended, by now."""
    rows = ChatMessage.objects.filter(
        pk=order.message_id, epoch=order.epoch, state=AnswerState.STREAMING
    )
    with transaction.atomic():
        return rows.update(content=text, thinking=thinking, tokens=tokens) == 1


def settle_answer(task: Task) -> None:
    """Bring an answer's row in line with its task, in the transaction of the task's change."""
    rows = ChatMessage.objects.select_for_update(of=("self",)).select_related("session")
    message = rows.filter(pk=int(task.payload.get("message", 0))).first()
    if message is None:
        if task.state == State.QUEUED:
            raise Conflict(REPLACED)
        return
    if task.state == State.QUEUED:
        _wait(message)
    elif task.is_ended and message.is_under_way:
        _end(message, task)
    else:
        return
    touch(message.session)


def touch(session: ChatSession, *fields: str) -> None:
    """Save some fields of a chat under a new version number, and announce it."""
    session.seq = next_seq(session.seq)
    session.updated_at = timezone.now()
    session.save(update_fields=[*fields, "seq", "updated_at"])
    announce_chat(session)


def _wait(message: ChatMessage) -> None:
    """Queued: for the first time, after its worker was lost, or since somebody retries it."""
    others = ChatMessage.objects.filter(
        ~Q(pk=message.pk), session=message.session, is_current=True, state__in=UNDER_WAY
    )
    if not message.is_current or others.exists():
        raise Conflict(REPLACED)
    if message.state == AnswerState.STREAMING:
        message.restarts += 1
    message.state, message.error, message.error_code = AnswerState.PENDING, "", ""
    message.save(update_fields=["state", "error", "error_code", "restarts"])


def _end(message: ChatMessage, task: Task) -> None:
    figures: dict[str, Any] = {}
    if task.state == State.SUCCEEDED:
        message.state = AnswerState.COMPLETE
        figures = {name: (task.result or {}).get(name) for name in FIGURES}
        figures["done_reason"] = figures["done_reason"] or ""
    elif task.state == State.CANCELLED:
        message.state = AnswerState.STOPPED
    else:
        error = task.error or {}
        message.state = AnswerState.FAILED
        message.error = from_stored(str(error.get("detail", "")))
        message.error_code = str(error.get("code", "failed"))[:64]
    for name, value in figures.items():
        setattr(message, name, value)
    message.save(update_fields=["state", "error", "error_code", *figures])
    if message.tokens is not None:
        _count_use(message, task)


def _count_use(message: ChatMessage, task: Task) -> None:
    """What was said counts, whole or not; once, however often the end is written."""
    model = (
        OllamaModel.objects.select_for_update(of=("self",))
        .select_related("server")
        .filter(pk=message.session.model_id or 0)
        .first()
    )
    if model is None:
        return
    ModelUse.objects.get_or_create(
        task=task,
        defaults={
            "model": model,
            "user_id": message.session.owner_id,
            "prompt_tokens": message.prompt_tokens or 0,
            "tokens": message.tokens or 0,
            "load_seconds": message.load_seconds,
            "first_token_seconds": message.first_token_seconds,
            "token_rate": message.token_rate,
        },
    )
    model.last_used_at = timezone.now()
    save_model(model, "last_used_at")
