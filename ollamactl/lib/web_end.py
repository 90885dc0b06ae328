"""A web process ends in time, whatever its requests are doing."""

from __future__ import annotations

import os
import sys
import threading
import time

REQUESTS_S = 5.0
"""Seconds for the requests under way, once the process is told to end."""


def end_in_time(seconds: float = REQUESTS_S) -> None:
    """End this process so many seconds after its server was told to end.

    Daphne waits for the requests under way, and the interpreter for their threads: a request that
    hangs would keep the process for ever. Does nothing where Daphne does not run.
    """
    if "daphne.server" not in sys.modules:
        return
    from twisted.internet import reactor

    reactor.addSystemEventTrigger("before", "shutdown", _end_later, seconds)  # type: ignore[arg-type]


def _end_later(seconds: float) -> None:
    def end() -> None:
        time.sleep(seconds)
        os._exit(0)

    threading.Thread(target=end, name="end in time", daemon=True).start()
