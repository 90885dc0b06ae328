"""Plain data as files that other programs read: `.env` and YAML. Knows no Django."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

# What YAML takes nowhere, and what would end a line of the one or the other.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


# Texts that YAML reads as themselves without quotes, but for its words.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z_]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def to_env(variables: Mapping[str, str], *, comment: str = "", untold: str = "") -> str:
    """`NAME=value` lines as a shell reads them, below `comment`.

    `untold` is said above each variable that has no value, as its owner has to write it.
    """
    lines = [f"# {_line(comment)}"] if comment else []
    for name, value in variables.items():
        if not value and untold:
            lines.append(f"# {_line(untold)}")
        lines.append(f"{name}={shlex.quote(_line(value)) if value else ''}")
    return "\n".join(lines) + "\n"


def to_yaml(data: Mapping[str, Any]) -> str:
    """Mappings, lists, texts, numbers, truth values and nothing, as YAML in block style."""
    return "\n".join(_mapping(data)) + "\n"


def _line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text)


def _mapping(data: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        inner = _block(value)
        if inner is None:
            lines.append(f"{_scalar(key)}: {_scalar(value)}")
        else:
            lines.append(f"{_scalar(key)}:")
            lines += [f"  {line}" for line in inner]
    return lines


def _block(value: Any) -> list[str] | None:
    """The lines of what has an inside; None for what stands on one line."""
    if isinstance(value, Mapping) and value:
        return _mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [line for item in value for line in _item(item)]
    return None


def _item(item: Any) -> list[str]:
    inner = _block(item)
    if inner is None:
        return [f"- {_scalar(item)}"]
    return [f"- {inner[0]}", *(f"  {line}" for line in inner[1:])]


def _scalar(value: Any) -> str:
    """JSON is YAML, but for the characters that YAML does not take as they are."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
