"""The disk under a download that runs: what would fill it is paused before it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.conf import settings
from django.utils.translation import gettext_noop

from models_app.probes import Gauge
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size
from tasks_app.runners import WorkPaused

T = TypeVar("T")
LOOK_S = 3.0
# While nobody knows how much is still to come.
LEAST_LEFT = 32_000_000
# A disk that hangs keeps a thread for itself, and no other work waits for these.
_looks = ThreadPoolExecutor(max_workers=8, thread_name_prefix="disk-watch")


async def watch_disk(gauge: Gauge, *, kept: int, left: Callable[[], int | None]) -> None:
    """Look at the free bytes again and again; raises `WorkPaused` when what is `left` to come does
    not fit any more beside the bytes that are to be `kept` free."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(settings.DISK_WATCH_SECONDS)
        try:
            async with asyncio.timeout(LOOK_S):
                free = await loop.run_in_executor(_looks, gauge)
        except (TimeoutError, OSError):
            continue
        coming = left()
        if free is None or coming == 0:
            continue
        if free - (LEAST_LEFT if coming is None else coming) < kept:
            raise _paused(free, coming, kept)


async def unless(work: Coroutine[Any, Any, T], guard: Awaitable[None]) -> T:
    """What the work gives; what the guard raises before that ends the work."""
    working, guarding = asyncio.ensure_future(work), asyncio.ensure_future(guard)
    try:
        await asyncio.wait({working, guarding}, return_when=asyncio.FIRST_COMPLETED)
        if guarding.done() and not working.done():
            await guarding
        return await working
    finally:
        for each in (working, guarding):
            each.cancel()
        await asyncio.gather(working, guarding, return_exceptions=True)


def _paused(free: int, coming: int | None, kept: int) -> WorkPaused:
    text = gettext_noop(
        "Paused before the disk is full: {free} are free, {coming} are still to come and {kept} "
        "are to be kept free. Delete models there or add space, then resume; what came is kept."
    )
    sizes = {"free": free, "coming": coming or LEAST_LEFT, "kept": kept}
    written = {name: format_size(size) for name, size in sizes.items()}
    return WorkPaused(Sentence(text, **written), code="disk_filling")
