"""Short write transactions, one at a time in a process.

SQLite has one writer, and who finds it busy sleeps for up to 100 ms before looking again: with 180
threads that end at the same moment most of the time would be slept. Here they queue instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_turn = threading.RLock()  # what runs on commit may write again


@contextmanager
def short_transaction() -> Iterator[None]:
    """`transaction.atomic()`; within another transaction a savepoint, as that is.

    Whoever holds the turn waits for nothing but the database.
    """
    if connection.in_atomic_block or connection.vendor != "sqlite":
        with transaction.atomic():
            yield
        return
    connection.ensure_connection()
    with _turn, transaction.atomic():
        yield


@contextmanager
def writing_turn() -> Iterator[None]:
    """The turn alone, for who looks first and writes by what was seen: of many threads that look
    at the same time all but one would write in vain. Nothing outside the database is waited for."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    with _turn:
        yield
