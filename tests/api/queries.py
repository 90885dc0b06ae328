"""Counting what a request costs the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext


def count_queries(call: Callable[[], Any]) -> int:
    """How many queries a call makes."""
    call()  # what only the first one costs: permissions of types, the note of the token's use
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)
