"""Reading JSON that another machine wrote: nothing in it is believed, nothing in it crashes us.

A field of the wrong type or out of bounds reads as missing.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

LARGEST_INT = 2**63 - 1
_LONGEST_TEXT = 200
_HEX_64 = re.compile(r"[0-9a-f]{64}")
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

JsonObject = Mapping[str, Any]


def parse_object(raw: bytes) -> JsonObject | None:
    """The JSON object in `raw`, or None if it is anything else. NaN and infinities read as null."""
    try:
        parsed = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def clean_text(value: object, *, longest: int = _LONGEST_TEXT) -> str:
    """`value` on one line without control, format and unassigned characters, cut to `longest`;
    empty if it is no text.
    """
    return _one_line(value[: longest * 8], longest) if isinstance(value, str) else ""


# A list of models says the same few words again and again.
@lru_cache(maxsize=2048)
def _one_line(value: str, longest: int) -> str:
    spaced = " ".join(value.split())
    # Nearly all are printable: asked for each line of each download, this is worth the question.
    visible = spaced if spaced.isprintable() else "".join(filter(_is_visible, spaced))
    return visible if len(visible) <= longest else visible[: longest - 1] + "…"


def long_text(value: object, *, longest: int) -> str:
    """Like `clean_text`, with its lines kept: for templates and licences."""
    if not isinstance(value, str):
        return ""
    return "".join(char for char in value[:longest] if char in "\n\t" or _is_visible(char))


def _is_visible(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"


def spoken_text(value: object) -> str:
    """A part of what a model says: all that text may hold, without control characters and halves of
    characters, which neither a database nor a terminal takes.
    """
    if not isinstance(value, str):
        return ""
    return _CONTROL.sub("", value.replace("\r\n", "\n"))


def whole_number(value: object) -> int | None:
    """A count or a size: an int from 0 to 2^63 - 1."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_INT:
        return value
    return None


def is_finite(value: object) -> bool:
    """Whether this is a fraction that JSON can carry on."""
    return isinstance(value, float) and math.isfinite(value)


def moment(value: object) -> dt.datetime | None:
    """An RFC 3339 time, nanoseconds and any offset allowed, in UTC."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        parsed = dt.datetime.fromisoformat(value)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)
        return aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def bare_digest(value: object) -> str:
    """A sha256 in 64 lower-case hex digits, with or without `sha256:` before it; else empty."""
    if not isinstance(value, str):
        return ""
    digits = value.removeprefix("sha256:").lower()
    return digits if _HEX_64.fullmatch(digits) else ""


def objects(value: object) -> list[JsonObject]:
    """The objects in a list; what is not an object is left out, what is no list is empty."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object, *, most: int = 50) -> tuple[str, ...]:
    """The texts in a list, cleaned, at most `most` of them."""
    if not isinstance(value, list):
        return ()
    cleaned = (clean_text(item) for item in value[:most])
    return tuple(text for text in cleaned if text)


def mapping(value: object) -> JsonObject:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}
