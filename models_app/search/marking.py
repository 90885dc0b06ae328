"""Where in a name what was typed is."""

from __future__ import annotations

from collections.abc import Iterator

from models_app.search.typos import words_of


def marked(name: str, text: str) -> Iterator[tuple[str, bool]]:
    """The name in pieces, each with whether it is a part that was typed."""
    lowered = name.lower()
    hits = [False] * len(name)
    if len(lowered) == len(name):  # else letters have no places that agree
        for part in (*text.lower().split(), *words_of(text)):
            place = lowered.find(part)
            while place >= 0:
                hits[place : place + len(part)] = [True] * len(part)
                place = lowered.find(part, place + 1)
    begin = 0
    for end in range(1, len(name) + 1):
        if end == len(name) or hits[end] != hits[begin]:
            yield name[begin:end], hits[begin]
            begin = end
