"""The sockets' threads open a connection to SQLite once for many looks at the database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tasks_app.sockets import pool
from tasks_app.sockets.pool import in_pool


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pool of one: which of four threads is free first is left to chance."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        monkeypatch.setattr(pool, "_threads", threads)
        yield


def look(failure: Exception | None = None) -> object:
    """The connection by which the database was asked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if failure:
        raise failure
    return connection.connection


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("one_thread")
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a pool of its own")
async def test_a_connection_is_kept_until_something_fails() -> None:
    first = await in_pool(look)
    assert await in_pool(look) is first
    with pytest.raises(ZeroDivisionError):
        await in_pool(look, ZeroDivisionError())
    assert await in_pool(look) is not first
