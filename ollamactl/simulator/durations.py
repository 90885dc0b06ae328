"""Go's durations, as `keep_alive` is read and shown."""

from __future__ import annotations

import math
import re
from typing import Final

_UNITS: Final = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0,
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([^\d.]*)")

FOREVER: Final = math.inf


def parse_keep_alive(value: object) -> float | None:
    """Seconds, `FOREVER`, or None where nothing was said; ValueError in Go's words.

    A negative number or duration is forever, but the bare string "-1" has no unit and is refused.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError("Unsupported type: 'bool'")
    if isinstance(value, int | float):
        return FOREVER if value < 0 else float(value)
    if isinstance(value, str):
        seconds = _parse_duration(value)
        return FOREVER if seconds < 0 else seconds
    raise ValueError("Unsupported type: 'map[string]interface {}'")


def _parse_duration(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text[1:] if text[:1] in {"-", "+"} else text
    if rest == "0":
        return 0.0
    seconds, position = 0.0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None:
            break
        if not part[2]:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if part[2] not in _UNITS:
            raise ValueError(f'time: unknown unit "{part[2]}" in duration "{text}"')
        seconds += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not rest or position < len(rest):
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * seconds
