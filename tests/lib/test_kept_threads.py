"""A request gets a thread of its own, and the next one gets it again with its connection."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from django.db import OperationalError, close_old_connections, connection

from ollamactl.lib.connections import close_connections
from ollamactl.lib.kept_threads import KeptThreads
from tests.components.waiting import wait_until


def ident_in(thread: ThreadPoolExecutor) -> int:
    return thread.submit(threading.get_ident).result(10)


def used_once(threads: KeptThreads) -> int:
    """The thread of one block that has gone to rest again."""
    with threads.one() as thread:
        ident = ident_in(thread)
    wait_until(lambda: threads.resting > 0, "the thread rests")
    return ident


def test_one_that_rests_is_used_again() -> None:
    threads = KeptThreads(2)
    assert used_once(threads) == used_once(threads)


def test_each_at_work_has_its_own() -> None:
    threads = KeptThreads(2)
    with threads.one() as one, threads.one() as other:
        assert ident_in(one) != ident_in(other)


def test_more_than_are_kept_end() -> None:
    threads = KeptThreads(1)
    with ExitStack() as stack:
        used = [stack.enter_context(threads.one()) for _ in range(3)]
        idents = {ident_in(each) for each in used}
    assert len(idents) == 3
    wait_until(lambda: _alive(idents) == 1, "the others have ended")
    assert threads.resting == 1


def test_one_that_is_still_at_work_is_given_to_nobody() -> None:
    threads = KeptThreads(2)
    left = threading.Event()
    with threads.one() as thread:
        ident = ident_in(thread)
        thread.submit(left.wait, 10)  # whoever asked for it has gone away
    try:
        with threads.one() as other:
            assert ident_in(other) != ident
    finally:
        left.set()
    wait_until(lambda: threads.resting == 2, "both rest")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a pool of its own")
def test_a_connection_stays_with_its_thread() -> None:
    threads = KeptThreads(1)
    with threads.one() as thread:
        first = thread.submit(opened).result(10)
    wait_until(lambda: threads.resting == 1, "the thread rests")
    with threads.one() as thread:
        assert thread.submit(opened).result(10) is first
        thread.submit(close_connections).result(10)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a pool of its own")
def test_a_connection_that_had_an_error_is_not_kept() -> None:
    def fail() -> None:
        with pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM nothing_of_that_name")
        close_old_connections()  # as each request does at its end

    threads = KeptThreads(1)
    with threads.one() as thread:
        first = thread.submit(opened).result(10)
        thread.submit(fail).result(10)
        assert thread.submit(opened).result(10) is not first
        thread.submit(close_connections).result(10)


def test_a_thread_that_ends_closes_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    monkeypatch.setattr(
        "ollamactl.lib.kept_threads.close_connections",
        lambda: closed.append(threading.get_ident()),
    )
    threads = KeptThreads(0)
    with threads.one() as thread:
        ident = ident_in(thread)
    wait_until(lambda: closed == [ident], "the connection is closed")


def opened() -> object:
    """The connection of this thread."""
    connection.ensure_connection()
    return connection.connection


def _alive(idents: set[int]) -> int:
    return len({each.ident for each in threading.enumerate()} & idents)
