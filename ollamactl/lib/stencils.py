"""Texts in which nothing but an id differs, as addresses and buttons of rows: made once, filled.

A stencil lives no longer than one answer, as its text may be in a reader's language, say what they
may do, and begin where this request has found the panel.
"""

from __future__ import annotations

from django.urls import reverse
from django.utils.safestring import SafeString

# As an address has it: no row's id is as large.
PLACE = 987_654_321_987_654_321_987


class Stencil:
    """A text with places for an id; markup stays markup, as the id of a row has none."""

    def __init__(self, text: str) -> None:
        """`text` has `PLACE` wherever the id belongs, and nothing from outside."""
        kind = SafeString if isinstance(text, SafeString) else str
        self._kind: type[str] = kind
        self._parts = text.split(str(PLACE))

    def filled(self, pk: int) -> str:
        """The text with this id."""
        return self._kind(str(int(pk)).join(self._parts))


def address_stencil(name: str, *more: object) -> Stencil:
    """The address that `reverse` gives for an id, and what follows it in the route."""
    return Stencil(reverse(name, args=[PLACE, *more]))
