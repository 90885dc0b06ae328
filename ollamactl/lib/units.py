"""Sizes, durations and rates, as people write and read them.

Decimal units, as Ollama prints them: 1 GB is 10^9 bytes. Text needs no translation; the sentences
of the errors are translated when they are shown.
"""

from __future__ import annotations

import re
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.formats import format_duration, format_figure, format_rate, format_size

__all__ = [
    "MAX_BYTES",
    "bytes_of",
    "format_duration",
    "format_figure",
    "format_rate",
    "format_size",
    "group_digits",
    "parse_size",
]

MAX_BYTES = 2**63 - 1
"""The largest size that a database column of ours can hold."""

_LONGEST_TEXT = 40
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def group_digits(count: int) -> str:
    """How many there are, with the digits in groups: "10,000". No id, port or input is written so.

    In the reader's language; what programs read has plain numbers.
    """
    return str(number_format(count, force_grouping=True))


def _factor(unit: str) -> int | None:
    """How many bytes one `unit` is: `GB` and `g` 10^9, `GiB` and `gi` 2^30; None if unknown."""
    letters = unit.lower()
    if letters in {"b", "byte", "bytes"}:
        return 1
    letters = letters.removesuffix("b")
    if letters.endswith("i") and letters[:-1] in _POWERS and letters != "i":
        return int(1024 ** _POWERS[letters[:-1]])
    return int(1000 ** _POWERS[letters]) if letters in _POWERS else None


def _invalid(sentence: Promise, attr: str | None) -> InvalidInput:
    return InvalidInput(sentence, code="invalid_size", attr=attr)


def parse_size(text: str, *, attr: str | None = None) -> int:
    """Bytes in a written size: `"4GB"`, `"512 MB"`, `"1.5GiB"`, `"1048576"`.

    A fraction of a byte is dropped. Raises `InvalidInput` (for the field `attr`) with a sentence.
    """
    stripped = text.strip()
    match = _SIZE.fullmatch(stripped) if len(stripped) <= _LONGEST_TEXT else None
    factor = _factor(match[2]) if match else None
    if match is None or factor is None:
        raise _invalid(
            _("This is not a size. Write a number with a unit, for example 512 MB or 1.5GiB."), attr
        )
    exact = Decimal(match[1]) * factor
    if not match[2] and exact != exact.to_integral_value():
        raise _invalid(_("A size in bytes is a whole number. Add a unit, for example 1.5GB."), attr)
    return _bounded(int(exact), attr)


def bytes_of(value: object, *, attr: str | None = None) -> int:
    """Bytes in a field of a form or of JSON: a whole number, or text for `parse_size`."""
    if isinstance(value, str):
        return parse_size(value, attr=attr)
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value, attr)
    raise _invalid(_("A size is a whole number of bytes, or text such as 4GB."), attr)


def _bounded(size: int, attr: str | None) -> int:
    if size < 0:
        raise _invalid(_("A size cannot be negative."), attr)
    if size > MAX_BYTES:
        raise _invalid(_("This size is larger than any disk. Write a smaller one."), attr)
    return size
