"""The process's one event loop for sending events, and in workers for the streams of tasks."""

from __future__ import annotations

import asyncio
import threading

from ollamactl.lib.once import once


@once
def event_loop() -> asyncio.AbstractEventLoop:
    """The loop, running in a daemon thread of its own; started at first use."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=_run, args=(loop,), name="event-loop", daemon=True).start()
    return loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
