"""How a simulated server is to behave."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERSION: Final = "0.24.0-simulated"

_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?(?:/s)?\s*", re.IGNORECASE)


def parse_rate(text: str) -> float:
    """Bytes a second out of `50MB/s`, `1GiB`, `250000`, or `unlimited`."""
    if text.strip().lower() == "unlimited":
        return math.inf
    match = _SIZE.fullmatch(text)
    if match is None or not float(match[1]):
        raise ValueError(f"{text!r} is no speed: write 50MB/s, 500kB/s or unlimited")
    return float(match[1]) * _UNITS[(match[2] or "").lower()]


@dataclass(frozen=True)
class Settings:
    """Speeds are bytes a second; `vram` is the simulated GPU's bytes, 0 for none.

    `models`: how many are installed at the first start; the first ones are well-known, the others
    made up. `state`: a folder to remember in, None to forget. `control`: whether failures can be
    ordered over HTTP.
    """

    models: int = 0
    speed: float = 25e6
    load_speed: float = 2e9
    verify_speed: float = 2e9
    unload_seconds: float = 0.3
    tokens_per_second: float = 30.0
    vram: int = 24_000_000_000
    max_loaded: int = 3
    state: Path | None = None
    control: bool = False
