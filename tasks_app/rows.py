"""The rows of a list of tasks: what many have in common is made once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from ollamactl.lib.stencils import PLACE, Stencil, address_stencil
from tasks_app.actions import ACTIONS, possible_actions
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.places import places_of


def task_rows(
    request: HttpRequest, tasks: Iterable[Task], *, problem: object = ""
) -> list[dict[str, Any]]:
    """What `task_rows.html` shows of these tasks, which need their `created_by`.

    `problem` stands in each of them.
    """
    tasks = list(tasks)
    rows = _Rows(request, problem, places_of(tasks))
    return [rows.row(task) for task in tasks]


class _Rows:
    """The rows of one answer. Rows that can do the same have the same buttons but for their ids."""

    def __init__(self, request: HttpRequest, problem: object, places: Mapping[int, str]) -> None:
        user = request.user
        self._places = places
        self._problem = problem
        self._allowed = [one for one in ACTIONS.values() if user.has_perm(one.permission)]
        self._buttons: dict[tuple[str, ...], Stencil] = {}
        self._states = {state.value: str(state.label) for state in State}
        self._address = address_stencil("admin:task")
        self._row_address = address_stencil("admin:task-row")

    def row(self, task: Task) -> dict[str, Any]:
        return {
            "task": task,
            "id": str(task.pk),
            "address": self._address.filled(task.pk),
            "row_address": self._row_address.filled(task.pk),
            "state": self._states.get(task.state, task.state),
            "problem": self._problem,
            "place": self._places.get(task.pk, ""),
            "buttons": self._buttons_of(task),
        }

    def _buttons_of(self, task: Task) -> str:
        possible = possible_actions(task)
        actions = [action for action in self._allowed if action.name in possible]
        look = tuple(action.name for action in actions)
        if look not in self._buttons:
            row = {"task": {"pk": PLACE}, "actions": actions}
            self._buttons[look] = Stencil(
                render_to_string("tasks_app/task_buttons.html", {"row": row})
            )
        return self._buttons[look].filled(task.pk)
