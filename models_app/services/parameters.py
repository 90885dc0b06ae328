"""The parameters that a model can be made with, as in a Modelfile."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence

# Ollama's own, by type: https://github.com/ollama/ollama/blob/v0.24.0/api/types.go
WHOLE = (
    "num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "seed", "num_predict",
    "top_k", "repeat_last_n",
)  # fmt: skip
FRACTIONS = (
    "top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty",
    "frequency_penalty",
)  # fmt: skip
SWITCHES = ("use_mmap",)
TEXTS = ("stop",)
KNOWN = sorted((*WHOLE, *FRACTIONS, *SWITCHES, *TEXTS))
MOST_TEXTS, LONGEST_TEXT = 50, 200
_WORDS = {"true": True, "false": False}


def read_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in the types that Ollama takes, from numbers or from texts of them.

    Raises `InvalidInput` (attr `parameters`) for an unknown name or a value of another type.
    """
    return {name: _read(name, value) for name, value in given.items()}


def read_lines(text: str) -> dict[str, Any]:
    """Parameters from lines of `name value`; a name that comes again is one more `stop`."""
    given: dict[str, Any] = {}
    for line in text.splitlines():
        name, _space, value = line.strip().removeprefix("PARAMETER ").strip().partition(" ")
        if not name:
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        if name in TEXTS:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    return read_parameters(given)


def known_lines(said: Sequence[str] | None) -> str:
    """Those of the lines that a server has said of a model that may be given here, each once and
    without its padding. A `stop` that no line can hold leaves all of them out, as they are given
    anew together."""
    lines = [line.split(None, 1) for line in said or ()]
    pairs = [(line[0], line[1].strip()) for line in lines if len(line) > 1 and line[0] in KNOWN]
    if any(name in TEXTS and "\\" in value for name, value in pairs):
        pairs = [(name, value) for name, value in pairs if name not in TEXTS]
    return "\n".join(f"{name} {value}" for name, value in pairs)


def _read(name: str, value: Any) -> Any:
    if name in TEXTS:
        return _texts(name, value)
    if name in WHOLE:
        return _number(name, value, int)
    if name in FRACTIONS:
        return _number(name, value, float)
    if name in SWITCHES:
        known = _WORDS.get(value.lower()) if isinstance(value, str) else value
        if isinstance(known, bool):
            return known
        raise _wrong(name, _("true or false"))
    text = gettext_noop("There is no parameter “{name}”. There are: {names}.")
    raise _invalid(Sentence(text, name=name[:100], names=", ".join(KNOWN)))


def _number(name: str, value: Any, kind: type[int] | type[float]) -> int | float:
    fits = (int, str) if kind is int else (int, float, str)
    if not isinstance(value, bool) and isinstance(value, fits) and len(str(value)) <= 30:
        try:
            number = kind(value)
        except ValueError:
            number = math.inf
        if math.isfinite(number) and abs(number) < 2**53:
            return number
    raise _wrong(name, _("a whole number") if kind is int else _("a number"))


def _texts(name: str, value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if (
        isinstance(texts, list)
        and len(texts) <= MOST_TEXTS
        and all(isinstance(text, str) and 0 < len(text) <= LONGEST_TEXT for text in texts)
    ):
        return texts
    raise _wrong(name, _("a list of short texts"))


def _wrong(name: str, what: str) -> InvalidInput:
    return _invalid(Sentence(gettext_noop("“{name}” has to be {what}."), name=name, what=what))


def _invalid(detail: object) -> InvalidInput:
    return InvalidInput(detail, code="invalid_parameter", attr="parameters")
