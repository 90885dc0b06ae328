"""One attempt at a pull: posted again while that brings it further, its bar and its rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from django.conf import settings
from django.utils.translation import gettext_noop

from models_app.ollama.client import OllamaClient
from models_app.ollama.errors import (
    OllamaError,
    RegistryUnreachable,
    StreamCut,
    TimedOut,
    Unreachable,
)
from models_app.ollama.names import ModelName
from models_app.ollama.progress import PullProgress
from models_app.ollama.types import PullLine
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import Unit
from tasks_app.progress import Meter
from tasks_app.runners import Run, TaskFailed

# What a second post can mend, when the first has brought something.
BROKEN_OFF = (StreamCut, Unreachable, TimedOut, RegistryUnreachable)
PAUSE_SECONDS = 1.0
# New bytes that are worth another post at once; a hundredth of smaller models.
WORTH_BYTES = 16_000_000
# Posts in a row that stall without a new byte, before the attempt is given up.
MOST_STALLS = 5


class Stalled(Exception):
    """Lines come, but no bytes: Ollama asks a part for ever that does not answer."""


class Download:
    """The pull of one model by one attempt of a task. Runs on the event loop: no database here.

    `layers`: digest to bytes, as the manifest says, or None. `reached`: (done, total) as an earlier
    attempt left them in the row; the bar goes on from there.
    """

    def __init__(
        self,
        run: Run,
        client: OllamaClient,
        name: ModelName,
        *,
        layers: Mapping[str, int] | None,
        insecure: bool,
        reached: tuple[int | None, int | None],
    ) -> None:
        self._run = run
        self._client = client
        self._name = name
        self._insecure = insecure
        self._bar = PullProgress(layers, reached=reached)
        # The rate of what really comes: resumed bytes are in the bar at once, and say nothing.
        self._meter = Meter()
        self._status = ""

    @property
    def left(self) -> int | None:
        """Bytes that are still to come; None while nobody knows."""
        total = self._bar.total
        return None if total is None else max(0, total - (self._bar.done or 0))

    async def finish(self) -> None:
        """Download until Ollama says `success`. Raises an `OllamaError` or `TaskFailed`.

        What ends early is asked for again as long as that brings new bytes; the rest is for the
        task's own retries.
        """
        stalls = 0
        while True:
            had = self._bar.received
            try:
                await self._post()
                return
            except Stalled:
                stalls = 1 if self._came_further(had) else stalls + 1
                if stalls >= MOST_STALLS:
                    raise _gives_up(stalls) from None
                self._run.log("No byte came for a while: asking again.")
            except BROKEN_OFF as error:
                if not self._came_further(had):
                    raise
                self._log_break(error)
                await asyncio.sleep(PAUSE_SECONDS)

    def _came_further(self, had: int) -> bool:
        """Whether a post brought enough to be worth another: a few bytes each time are not."""
        return self._bar.received - had > min(WORTH_BYTES, (self._bar.total or 0) // 100)

    async def _post(self) -> None:
        """One `POST /api/pull` to its end."""
        lines = self._client.pull(self._name, insecure=self._insecure)
        try:
            async for line in lines:
                self._tell(line)
                if self._bar.stalled(time.monotonic(), settings.STALL_SECONDS):
                    raise Stalled
        finally:
            await lines.aclose()

    def _tell(self, line: PullLine) -> None:
        now = time.monotonic()
        self._bar.feed(line, now)
        if line.status != self._status:
            self._status = line.status
            self._run.log(line.status)
        self._run.progress(
            done=self._bar.done,
            total=self._bar.total,
            unit=Unit.BYTES,
            phase=self._bar.phase,
            rate=self._meter.rate(now, self._bar.fetched) or 0.0,
        )

    def _log_break(self, error: OllamaError) -> None:
        self._run.log(f"Broken off ({error.code}): asking again for the rest.")


def _gives_up(stalls: int) -> TaskFailed:
    text = gettext_noop(
        "No byte came for {seconds} s, {times} times in a row. Check the server's network, then "
        "try again; what came is kept."
    )
    seconds = int(settings.STALL_SECONDS)
    return TaskFailed(Sentence(text, seconds=seconds, times=stalls), code="stalled", retryable=True)
