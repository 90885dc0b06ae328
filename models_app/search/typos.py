"""How many typing errors lie between what was typed and a name. Nothing here asks a database.

One error is a letter too many, too few or another one, or two neighbours that changed places. A
digit in another's place or one that is missing is no error: `qwen3` and `qwen2` are two models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

SEPARATORS = "/:_-"
_BETWEEN = re.compile(rf"[\s{re.escape(SEPARATORS)}]+")
FORGIVEN = ((8, 2), (4, 1))
"""So many errors in words of so many letters; shorter ones have to be there as they are."""
TOO_MANY = 99


def words_of(text: str) -> list[str]:
    """The words of a name, or of what was typed, in lower case."""
    return [word for word in _BETWEEN.split(text.lower()) if word]


def forgiven(word: str) -> int:
    """How many errors a typed word may have."""
    return next((errors for length, errors in FORGIVEN if len(word) >= length), 0)


def errors_in(typed: Sequence[str], name: str) -> int | None:
    """The errors in all typed words together; None where the name does not have one of them."""
    lowered = name.lower()
    parts = words_of(name)
    total = 0
    for word in typed:
        least = 0 if word in lowered else min((_distance(word, part) for part in parts), default=9)
        if least > forgiven(word):
            return None
        total += least
    return total


@lru_cache(maxsize=20_000)
def _distance(typed: str, part: str) -> int:
    """The errors between `typed` and the beginning of `part` that is nearest to it.

    Optimal string alignment; what follows in `part` may not have been typed yet.
    """
    part = part[: len(typed) + 3]
    before: list[int] = []
    row = list(range(len(part) + 1))
    for number, letter in enumerate(typed, 1):
        dropping = TOO_MANY if letter.isdigit() else 1
        older, before, row = before, row, [row[0] + dropping]
        for place, other in enumerate(part, 1):
            cost = before[place - 1] + _replacing(letter, other)
            cost = min(cost, before[place] + dropping, row[place - 1] + 1)
            if (
                number > 1
                and place > 1
                and letter == part[place - 2]
                and other == typed[number - 2]
            ):
                cost = min(cost, older[place - 2] + 1)
            row.append(cost)
    return min(row)


def _replacing(letter: str, other: str) -> int:
    if letter == other:
        return 0
    return TOO_MANY if letter.isdigit() and other.isdigit() else 1
