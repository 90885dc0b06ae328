"""Where the things are that tasks work on, for pages. Apps say it of their types of resource.

The same name may be on several servers: without its place a task does not say what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks_app.models import Task

# By the tasks' ids, the names of the places; what has none, or nobody knows any more, is left out.
Placer = Callable[[Sequence["Task"]], Mapping[int, str]]
_placers: dict[str, Placer] = {}


def register_places(placers: Mapping[str, Placer]) -> None:
    """Say where things of these types of resource ("model") are."""
    _placers.update(placers)


def places_of(tasks: Sequence[Task]) -> dict[int, str]:
    """The places of what these tasks are about, by the tasks' ids; asked for all together."""
    places: dict[int, str] = {}
    for resource_type in sorted({task.resource_type for task in tasks}):
        placer = _placers.get(resource_type)
        if placer is not None:
            places |= placer([task for task in tasks if task.resource_type == resource_type])
    return places
