"""What a task has left out of what it was asked for, and why. Apps say it of their types of task.

The task's result has their number; there may be ten thousand, so only those are put into words that
somebody looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks_app.models import Task

Kept = dict[str, Any]


@dataclass(frozen=True)
class LeftOut:
    """One thing: its name and where it is, a code and a sentence, its id where it is a row now."""

    resource_type: str
    resource_id: int | None
    resource_name: str
    place: str
    code: str
    detail: str


@dataclass(frozen=True)
class Teller:
    """`kept`: all that a task has left out, as its app keeps it. `told`: some of them in words."""

    kept: Callable[[Task], list[Kept]]
    told: Callable[[Sequence[Kept]], list[LeftOut]]


_tellers: dict[str, Teller] = {}


def register_left_out(tellers: Mapping[str, Teller]) -> None:
    """Say what these types of task leave out."""
    _tellers.update(tellers)


def left_out_of(task: Task) -> list[Kept]:
    """All that it has left out, for `tell`; empty for what leaves nothing out."""
    teller = _tellers.get(task.type)
    return teller.kept(task) if teller else []


def number_left_out(task: Task) -> dict[str, int]:
    """`skipped`, their number, as its result has it; nothing for a type that never says any."""
    return {"skipped": len(left_out_of(task))} if task.type in _tellers else {}


def tell(task: Task, some: Sequence[Kept]) -> list[LeftOut]:
    """Some of `left_out_of`, in the reader's language."""
    teller = _tellers.get(task.type)
    return teller.told(some) if teller else []
