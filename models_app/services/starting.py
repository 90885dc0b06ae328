"""How a model is started: how long it stays in memory, and with how much context."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from models_app.models import OllamaModel
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence

FOREVER = -1
# Ollama takes no less, and no model has more.
LEAST_CONTEXT, MOST_CONTEXT = 4, 100_000_000
LONGEST_SECONDS = 10 * 365 * 86_400
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,3})?[smh]){1,3}")
_PART = re.compile(r"([0-9.]+)([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def start_options(
    model: OllamaModel, *, keep_alive: int | str = FOREVER, num_ctx: int | None = None
) -> dict[str, Any]:
    """The options of a start as its task keeps them: seconds (-1: until stopped), and tokens.

    Raises `InvalidInput` with `attr` for what Ollama would refuse or silently change.
    """
    options: dict[str, Any] = {"keep_alive": read_keep_alive(keep_alive)}
    if num_ctx is not None:
        options["num_ctx"] = _checked_context(model, num_ctx)
    return options


def read_keep_alive(value: int | str) -> int:
    """Seconds from a number or a text such as `30m` or `1h30m`; -1 for anything negative."""
    seconds = _seconds(value)
    if seconds < 0:
        return FOREVER
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise InvalidInput(
            _("Keep it for at least a second; a negative number keeps it until it is stopped."),
            code="invalid_keep_alive",
            attr="keep_alive",
        )
    return int(seconds)


def _seconds(value: int | str) -> float:
    if isinstance(value, int):
        return value
    text = value.strip().lower().replace(" ", "")
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _DURATION.fullmatch(text):
        raise InvalidInput(
            _("This is no length of time. Write seconds, or for example 30m, 1h30m or -1."),
            code="invalid_keep_alive",
            attr="keep_alive",
        )
    return sum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(text))


def _checked_context(model: OllamaModel, num_ctx: int) -> int:
    most = model.context_length or MOST_CONTEXT
    if LEAST_CONTEXT <= num_ctx <= most:
        return num_ctx
    text = gettext_noop("The context of this model has {least} to {most} tokens.")
    raise InvalidInput(
        Sentence(text, least=LEAST_CONTEXT, most=most), code="invalid_num_ctx", attr="num_ctx"
    )
