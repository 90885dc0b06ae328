"""The turn to write, for who looks before it writes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.db import connections


def writing_turn() -> AbstractContextManager[None]:
    """Nobody else writes meanwhile, where the database has one writer (see `lib.sqlite`). Nothing
    outside the database is waited for."""
    turn = getattr(connections["default"], "writing_turn", nullcontext)
    return turn()
