"""Sizes, durations and rates as Ollama prints them. No Django: the command line uses it too.

Decimal units: 1 GB is 10^9 bytes.
"""

from __future__ import annotations

import math

_DISPLAY = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3))
_DAYS_ARE_MANY_S = 100 * 3600


def group_thousands(count: int) -> str:
    """`count` with its digits in groups, as both languages write it: `"10,000"`."""
    return f"{count:,}"


def format_size(size: int) -> str:
    """`size` bytes as Ollama shows them: `"292 MB"`, `"1.2 GB"`, `"17 B"`."""
    for unit, factor in _DISPLAY:
        if abs(size) >= factor:
            value = size / factor
            whole = abs(value) >= 10 or value == math.trunc(value)
            return f"{math.trunc(value)} {unit}" if whole else f"{value:.1f} {unit}"
    return f"{size} B"


def format_duration(seconds: float) -> str:
    """A time left or taken as Ollama shows it: `"7s"`, `"2m13s"`, `"1h5m"`, `"99h+"`."""
    if not seconds < _DAYS_ARE_MANY_S:
        return "99h+"
    whole = round(max(seconds, 0.0))
    if seconds >= 3600:
        return f"{int(seconds) // 3600}h{int(seconds) // 60 % 60}m"
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}h0m"
    minutes, last = divmod(rest, 60)
    return f"{minutes}m{last}s" if minutes else f"{last}s"


def format_rate(bytes_per_s: float) -> str:
    """A speed in decimal bytes: `"12 MB/s"`. What is not a positive number reads `"0 B/s"`."""
    usable = math.isfinite(bytes_per_s) and bytes_per_s > 0
    return f"{format_size(int(bytes_per_s) if usable else 0)}/s"


def format_figure(value: float) -> str:
    """A measured number in about three digits: `0.042`, `1.25`, `12.5`, `125`, `1,250`."""
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def format_count(count: int) -> str:
    """How many parameters, as Ollama writes it: `"8.2B"`, `"70B"`, `"137M"`."""
    for unit, factor, digits in (("T", 10**12, 1), ("B", 10**9, 1), ("M", 10**6, 0)):
        if count >= factor:
            return f"{count / factor:.{digits}f}".removesuffix(".0") + unit
    return str(count)


def exact_size(size: int) -> str:
    """`size` bytes so that reading it gives the same again: `"5 GB"`, `"1.5 GB"`, `"1234567"`."""
    for unit, factor in _DISPLAY:
        thousandths, rest = divmod(size * 1000, factor)
        if size >= factor and not rest:
            return f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".") + f" {unit}"
    return str(size)
