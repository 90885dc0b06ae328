"""Giving the space of removed rows back to the disk, a few pages at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection

FEW_PAGES = 1000
"""Free pages (4 kB each) that are kept for the next rows: the file need not grow again at once."""
SHARE = 0.1
"""Of all pages; with fewer free ones the file stays as it is."""
SLICE = 200  # pages; some milliseconds of the write lock
INCREMENTAL = 2


def give_back_space(stopping: Callable[[], bool]) -> int:
    """Shrink an SQLite file that is empty in large part. Returns the pages given back.

    Only a database whose tables were made with `auto_vacuum=INCREMENTAL` can do that; for others,
    and for other databases than SQLite, nothing happens: their space is used again all the same.
    """
    if connection.vendor != "sqlite" or _pragma("auto_vacuum") != INCREMENTAL:
        return 0
    count = 0
    while not stopping() and _is_hollow():
        begun = time.monotonic()
        free = _pragma("freelist_count")
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA incremental_vacuum({SLICE})")
            cursor.fetchall()  # each step frees a page
        given = free - _pragma("freelist_count")
        if given <= 0:
            break
        count += given
        time.sleep(time.monotonic() - begun)
    return count


def allow_giving_back() -> bool:
    """Rewrite a database of an earlier version so that it can shrink; nobody else may use it now.

    Returns whether that was needed. It takes about as long as a copy of the file.
    """
    if connection.vendor != "sqlite" or _pragma("auto_vacuum") == INCREMENTAL:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
        cursor.execute("VACUUM")
    return True


def _is_hollow() -> bool:
    free = _pragma("freelist_count")
    return free > FEW_PAGES and free > SHARE * _pragma("page_count")


def _pragma(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return int(cursor.fetchone()[0])
