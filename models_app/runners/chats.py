"""Answering in a chat."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext_noop

from models_app.chat.answers import REPLACED, Order, begin_answer, save_answer, settle_answer
from models_app.chat.events import CHAT, chat_delta, topic_of
from models_app.chat.limits import LONGEST_ANSWER
from models_app.chat.writing import Writing
from models_app.endpoints import client_of
from models_app.facts import InMemory
from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import NotSupported, OllamaError
from models_app.ollama.types import GenerateLine
from ollamactl.lib.connections import close_connections
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import Unit
from tasks_app.models import Task
from tasks_app.publisher import publisher
from tasks_app.runners import Runner, TaskFailed, register
from tasks_app.sequence import next_seq

logger = logging.getLogger(__name__)

SEND_EVERY = 0.04  # seconds between two events of one answer
SAVE_EVERY = 0.25  # seconds between two writes to its row
# The loop that streams asks no database: few threads write for all answers of the process.
_SAVERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="chat-saver")

CANNOT_CHAT = gettext_noop(
    "“{name}” cannot chat: it makes embeddings only. Choose another model for this chat."
)
CANNOT_THINK = gettext_noop(
    "“{name}” cannot think before it answers. Turn thinking off for this chat (/set nothink)."
)
TOO_LONG = gettext_noop("The answer was ended after {count} characters. What was written is kept.")


@register
class ChatRunner(Runner):
    """Load the model if need be, and write its answer into a row while it comes."""

    type = "model.chat"
    permission = CHAT
    notifies = False

    @classmethod
    def settle(cls, task: Task) -> None:
        settle_answer(task)

    @classmethod
    def topics(cls, task: Task) -> list[str]:
        return [topic_of(task.resource_id or 0)]

    def work(self) -> dict[str, Any] | None:
        order = begin_answer(self.task)
        return self.run.stream(self._guarded(order))

    async def _guarded(self, order: Order) -> dict[str, Any]:
        try:
            async with client_of(order.model.server) as client:
                return await self._answer(order, client)
        except NotSupported as error:
            words = str(error.extra.get("ollama", ""))
            text = CANNOT_THINK if "thinking" in words else CANNOT_CHAT
            raise TaskFailed(Sentence(text, name=order.model.name), code=error.code) from error
        except OllamaError as error:
            raise TaskFailed(error.detail, code=error.code, retryable=error.retryable) from error

    async def _answer(self, order: Order, client: OllamaClient) -> dict[str, Any]:
        model = order.model
        loaded = InMemory(await client.ps()).facts(key=model.key, digest=model.digest)
        self.run.progress(phase="prompt" if loaded else "loading")
        answer = _Answer(order, was_loaded=loaded is not None)
        lines = client.chat(
            model.name,
            order.messages,
            options=_options(order, loaded),
            think=order.think,
            format=order.format,
            keep_alive=-1 if loaded and loaded["expires_at"] is None else None,
        )
        async with answer, aclosing(lines):
            async for line in lines:
                if line.done:
                    answer.take(line)
                    return {"message": order.message_id, **answer.figures(line)}
                answer.take(line)
                self.run.progress(done=answer.writing.tokens, unit=Unit.ITEMS, phase="answering")
        raise AssertionError("a stream ends with its last line or an error")


class _Answer:
    """What has come of an answer, on its way to those who watch and to its row."""

    def __init__(self, order: Order, *, was_loaded: bool) -> None:
        self.writing = Writing()
        self._was_loaded = was_loaded
        self._order = order
        self._begun = time.monotonic()
        self._first: float | None = None
        self._seq = 0
        self._sent_at = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._owner = asyncio.current_task()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> _Answer:
        self._send()  # whoever watches learns that it begins, and with which attempt
        self._saving = asyncio.create_task(self._keep_saving())
        return self

    async def __aexit__(self, *error: object) -> None:
        """However it ends, what was written is sent and kept."""
        if self._saving is not None:
            self._saving.cancel()
            with suppress(asyncio.CancelledError):
                await self._saving
        if self._later is not None:
            self._later.cancel()
        self._send()
        is_ours = await asyncio.shield(self._save())
        if not is_ours and error[0] is None:
            raise TaskFailed(REPLACED, code="replaced")

    def take(self, line: GenerateLine) -> None:
        """One more part; sent at once after quiet, else with what follows within a moment."""
        if not line.text and not line.thinking:
            return
        self._first = self._first or time.monotonic()
        if self.writing.length > LONGEST_ANSWER:
            raise TaskFailed(Sentence(TOO_LONG, count=LONGEST_ANSWER), code="too_long")
        self.writing.add(line.text, line.thinking)
        if self._later is not None:
            return
        wait = self._sent_at + SEND_EVERY - time.monotonic()
        if wait <= 0:
            self._send()
        else:
            self._later = asyncio.get_running_loop().call_later(wait, self._send)

    def figures(self, last: GenerateLine) -> dict[str, Any]:
        """What the last part counts. The first token's time is counted without the load."""
        now = time.monotonic()
        first = None
        if self._first is not None:
            first = round(max(0.0, self._first - self._begun - (last.load_s or 0.0)), 4)
        tokens = last.tokens if last.tokens is not None else self.writing.tokens
        return {
            "done_reason": last.done_reason,
            "prompt_tokens": last.prompt_tokens,
            "tokens": tokens,
            "load_seconds": None if self._was_loaded else last.load_s,
            "first_token_seconds": first,
            "token_rate": round(tokens / last.tokens_s, 3) if tokens and last.tokens_s else None,
            "seconds": round(now - self._begun, 3),
        }

    def _send(self) -> None:
        self._later, self._sent_at = None, time.monotonic()
        self._seq = next_seq(self._seq)
        data = {
            "message": self._order.message_id,
            "attempt": self._order.epoch,
            **self.writing.take_news(),
            "tokens": self.writing.tokens,
            "seconds": round(self._sent_at - self._first, 3) if self._first else None,
        }
        publisher().send(chat_delta(self._order.session_id, seq=self._seq, data=data))

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY)
            if not self.writing.is_unsaved:
                continue
            try:
                is_ours = await asyncio.shield(self._save())
            except DatabaseError as error:
                logger.warning("An answer cannot be kept for now: %s", error)
                continue
            if not is_ours and self._owner is not None:
                self._owner.cancel()
                raise TaskFailed(REPLACED, code="replaced")

    async def _save(self) -> bool:
        """Write the row; False where it is another worker's by now, or gone.

        One write after another: one that waits for the database would else put an older text over
        the whole answer, since it goes on when nobody waits for it any more.
        """
        async with self._turn:
            text, thinking, tokens = self.writing.text, self.writing.thinking, self.writing.tokens
            is_ours = await asyncio.get_running_loop().run_in_executor(
                _SAVERS, _save, self._order, text, thinking, tokens
            )
        if is_ours:
            self.writing.note_saved(text=text, thinking=thinking)
        return is_ours


def _save(order: Order, text: str, thinking: str, tokens: int) -> bool:
    try:
        return save_answer(order, text=text, thinking=thinking, tokens=tokens)
    finally:
        close_connections()


def _options(order: Order, loaded: Mapping[str, Any] | None) -> dict[str, Any]:
    """The chat's own parameters; the context as it is loaded, since another loads it anew."""
    context = (loaded or {}).get("context_length")
    return {**({"num_ctx": context} if context else {}), **order.options}
