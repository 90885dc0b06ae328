"""Database work of the sockets, in a few threads of their own.

Django's thread-sensitive work shares one thread: a thousand reconnecting sockets would queue there,
and every page behind them. A thread keeps its connection to SQLite while it is used often: to open
one costs more than all that is asked over it when a socket comes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

from ollamactl.lib.connections import close_connections

P = ParamSpec("P")
T = TypeVar("T")

KEPT = 5.0
"""Seconds without work after which a connection may no longer be good."""

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sockets")
_thread = threading.local()


async def in_pool(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in one of the threads, with a database connection that is still good."""

    def with_connection() -> T:
        if time.monotonic() > getattr(_thread, "good_until", 0.0):
            close_connections()
        keep = False
        try:
            result = work(*args, **kwargs)
            keep = connection.vendor == "sqlite"  # PostgreSQL's go back into their pool
            return result
        finally:
            if keep:
                _thread.good_until = time.monotonic() + KEPT
            else:
                close_connections()

    return await sync_to_async(with_connection, thread_sensitive=False, executor=_threads)()
