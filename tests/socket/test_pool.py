"""The sockets' threads open a connection to SQLite once for many looks at the database."""

from __future__ import annotations

import pytest
from django.db import connection

from tasks_app.sockets.pool import in_pool


def look(failure: Exception | None = None) -> object:
    """The connection by which the database was asked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if failure:
        raise failure
    return connection.connection


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a pool of its own")
async def test_a_connection_is_kept_until_something_fails() -> None:
    first = await in_pool(look)
    assert await in_pool(look) is first
    with pytest.raises(ZeroDivisionError):
        await in_pool(look, ZeroDivisionError())
    assert await in_pool(look) is not first
