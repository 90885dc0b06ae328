"""Looks at the machine that must not make anybody wait: a disk in the network may hang for ever."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
logger = logging.getLogger(__name__)


class Look(Generic[T]):
    """A function at work in a thread of its own; it touches no database."""

    def __init__(self, name: str, probe: Callable[[], T], *, seconds: float) -> None:
        self._probe = probe
        self._name = name
        self._found: T | None = None
        self._done = threading.Event()
        self._until = time.monotonic() + seconds
        threading.Thread(target=self._look, name=f"look-{name}", daemon=True).start()

    def result(self) -> tuple[T | None, bool]:
        """What was found, None where nothing was; and whether that took too long."""
        in_time = self._done.wait(max(0.0, self._until - time.monotonic()))
        return (self._found if in_time else None), not in_time

    def _look(self) -> None:
        try:
            self._found = self._probe()
        except Exception as error:  # whatever a driver raises: it is unknown then
            logger.info("The look at the %s found nothing: %s", self._name, error)
        finally:
            self._done.set()
