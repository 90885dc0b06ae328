"""Failures on demand: which request is to fail, how, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

PULL_KINDS: Final = frozenset(
    {"stall", "cut", "disk_full", "missing", "error_in_stream", "digest_mismatch"}
)
ANSWER_KINDS: Final = frozenset({"cut_answer"})
REQUEST_KINDS: Final = frozenset({"http_503", "http_500_empty", "http_error", "hang", "html"})
KINDS: Final = PULL_KINDS | REQUEST_KINDS | ANSWER_KINDS | {"slow"}


@dataclass
class Fault:
    """One failure to produce.

    kind: one of `KINDS`. `slow` limits a pull to `rate` bytes/s and delays any other answer by
        `seconds`.
    model: a shell pattern over the name as `/api/tags` shows it; empty for any.
    endpoint: a shell pattern over the path (`/api/pull`, `/v2/*`).
    at_bytes: bytes of the pull after which it happens; words of the answer, for `cut_answer`.
    count: how many requests fail before it heals by itself; None: until cleared.
    status, message: for `http_error`, `error_in_stream`.
    """

    kind: str
    model: str = ""
    endpoint: str = ""
    at_bytes: int = 0
    count: int | None = None
    rate: int = 0
    seconds: float = 0.0
    status: int = 500
    message: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: one of {', '.join(sorted(KINDS))}")
        if not self.endpoint:
            self.endpoint = "/api/pull" if self.kind in PULL_KINDS else "/*"

    def concerns(self, path: str, model: str) -> bool:
        if not fnmatchcase(path, self.endpoint):
            return False
        pattern = self.model.lower()
        if not pattern:
            return True
        shown = model.lower()
        return fnmatchcase(shown, pattern) or fnmatchcase(shown.removesuffix(":latest"), pattern)


class Faults:
    """The failures that are set, in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def take(self, path: str, model: str, kinds: Iterable[str]) -> Fault | None:
        """The first failure for this request, counted as used; None where it may succeed."""
        wanted = frozenset(kinds)
        for fault in self._faults:
            if fault.kind in wanted and fault.concerns(path, model):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]


def fault_from_json(data: Mapping[str, Any]) -> Fault:
    """A fault out of the control endpoint's JSON; ValueError says what is wrong with it."""
    try:
        return Fault(**data)
    except TypeError as error:
        raise ValueError(str(error)) from error
