"""What a client may send: `{type, …}` in JSON, taken as data and never trusted."""

from __future__ import annotations

import json
import time
from typing import Any

from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import ApplicationError, InvalidInput, NotPermitted
from ollamactl.lib.sentences import Sentence
from tasks_app.live import parse_topic

LONGEST_MESSAGE = 64 * 1024
MOST_TOPICS = 200
MOST_SOCKETS = 20


class TooMuch(ApplicationError):
    """More than a client may ask for; its socket is closed with 4429."""

    status = 429
    code = "too_many"


class Allowance:
    """How fast a client may talk: `burst` messages at once, and then `rate` a second."""

    def __init__(self, *, burst: float = 100, rate: float = 20) -> None:
        self._burst, self._rate = burst, rate
        self._left, self._at = burst, time.monotonic()

    def spend(self) -> None:
        """Count one message; raise `TooMuch` where the client has talked too fast."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - 1
        self._at = now
        if self._left < 0:
            raise TooMuch(
                _("Too many messages at once. Connect again and send fewer."), code="too_fast"
            )


def read_message(received: dict[str, Any]) -> dict[str, Any]:
    """The object in a frame. Raises `InvalidInput`, or `TooMuch` where it is too long."""
    text = received.get("text")
    if text is None:
        raise _invalid(_("Send text in JSON, not binary data."))
    if len(text) > LONGEST_MESSAGE or len(text.encode()) > LONGEST_MESSAGE:
        raise TooMuch(_("A message may be 64 kB long at most."), code="message_too_long")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise _invalid(_("This is not JSON.")) from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise _invalid(_("A message is a JSON object with a “type”."))
    return message


def unknown_type(name: str) -> InvalidInput:
    """The error for a type of message that does not exist."""
    sentence = _("There is no message of the type “{type}”. Send subscribe, unsubscribe or ping.")
    return InvalidInput(Sentence(sentence, type=name[:40]), code="unknown_type")


def topics_in(message: dict[str, Any]) -> tuple[list[str], list[ApplicationError]]:
    """The topics that are asked for, each once in its plain form, and an error for each bad one."""
    names = message.get("topics")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _invalid(_('“topics” is a list of texts, for example ["models", "task:9"].'))
    if len(names) > MOST_TOPICS:
        raise too_many_topics()
    topics: dict[str, None] = {}
    errors: list[ApplicationError] = []
    for name in names:
        try:
            kind, number = parse_topic(name)
        except ApplicationError as error:
            error.extra["topics"] = [name[:80]]
            errors.append(error)
        else:
            topics[kind.prefix if number is None else f"{kind.prefix}:{number}"] = None
    return list(topics), errors


def too_many_topics() -> TooMuch:
    """The error for more topics than a socket may hear."""
    sentence = _("A socket hears {most} topics at most. Subscribe to a list such as “models”.")
    return TooMuch(Sentence(sentence, most=MOST_TOPICS), code="too_many_topics")


def too_many_sockets() -> TooMuch:
    """The error for more sockets than a user may have."""
    sentence = _("You have {most} live connections already. Close a window or a program.")
    return TooMuch(Sentence(sentence, most=MOST_SOCKETS), code="too_many_sockets")


def not_permitted(topics: list[str]) -> NotPermitted:
    """The error for topics that the user may not hear."""
    return NotPermitted(
        Sentence(_("You are not permitted to see {topics}."), topics=", ".join(topics)[:200]),
        extra={"topics": topics},
    )


def _invalid(detail: object) -> InvalidInput:
    return InvalidInput(detail, code="invalid_message")
