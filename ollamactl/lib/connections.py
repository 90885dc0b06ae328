"""Database connections of a thread that waits."""

from __future__ import annotations

from django.db import connections


def close_connections() -> None:
    """Give back this thread's database connections before it waits for long."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
