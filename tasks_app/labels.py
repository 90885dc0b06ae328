"""What types of task and their phases are called in pages. Apps add theirs when they are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from tasks_app.models import Task

Titler = Callable[["Task"], str]
_titles: dict[str, Titler] = {}
_types: dict[str, str | Promise] = {}
_phases: dict[str, str | Promise] = {}


def register_labels(
    types: Mapping[str, str | Promise], phases: Mapping[str, str | Promise] | None = None
) -> None:
    """Name types of task ("model.pull") and the phases that they go through ("verifying")."""
    _types.update(types)
    _phases.update(phases or {})


def type_label(task_type: str) -> str:
    """A type's name; the type itself where its app is gone."""
    return str(_types.get(task_type, task_type))


def phase_label(phase: str) -> str:
    """A phase's name; the worker's own word where it has none."""
    return str(_phases.get(phase, phase))


def phase_labels() -> dict[str, str]:
    """Every known phase with its name."""
    return {phase: str(label) for phase, label in _phases.items()}


def register_titles(titles: Mapping[str, Titler]) -> None:
    """Say what single tasks of these types are called, where their type alone says too little."""
    _titles.update(titles)


def title_of(task: Task) -> str:
    """What a task is called: its type, or more."""
    title = _titles.get(task.type)
    return title(task) if title else type_label(task.type)
