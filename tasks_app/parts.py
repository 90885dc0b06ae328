"""The parts of a task, a page of them at a time, as its own page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page
from django.db.models import Case, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from ollamactl.lib.paginator import RowPaginator
from tasks_app.choices import State
from tasks_app.families import counts_of_states
from tasks_app.models import Task
from tasks_app.rows import task_rows
from tasks_app.runners import runner_of

PARTS_SHOWN = 50


@dataclass(frozen=True)
class Place:
    """The addresses of one page of the parts: as part of the whole page, and alone."""

    page: str
    fragment: str


@dataclass(frozen=True)
class StateChoice:
    """One state to look at; empty: all of them."""

    value: str
    label: str
    count: int
    selected: bool
    page: str
    fragment: str


@dataclass(frozen=True)
class Parts:
    """One page of parts and the ways to the others."""

    page: Page[Any]
    rows: list[dict[str, Any]]
    state: str
    states: list[StateChoice]
    here: str
    previous: Place | None
    next: Place | None


def parts_of(request: HttpRequest, task: Task) -> Parts | None:
    """What `?state=` and `?parts=` ask for; None for a task that has no parts."""
    visible = Task.objects.visible_to(request.user).filter(parent=task)
    counts = counts_of_states(task.pk)
    runner = runner_of(task.type)
    if not counts and not (runner is not None and runner.has_parts):
        return None
    state = request.GET.get("state", "")
    state = state if state in State.values else ""
    chosen = visible.filter(state=state) if state else visible
    first = Case(
        When(state=State.FAILED, then=Value(0)),
        When(state=State.RUNNING, then=Value(1)),
        default=Value(2),
    )
    rows = chosen.select_related("created_by").order_by(first, "pk")
    page = RowPaginator(rows, PARTS_SHOWN).get_page(request.GET.get("parts"))
    return Parts(
        page=page,
        rows=task_rows(request, page.object_list),
        state=state,
        states=_choices(task, counts, state),
        here=_place(task, state, page.number).fragment,
        previous=_place(task, state, page.number - 1) if page.has_previous() else None,
        next=_place(task, state, page.number + 1) if page.has_next() else None,
    )


def _choices(task: Task, counts: dict[str, int], state: str) -> list[StateChoice]:
    every = [("", _("All"), sum(counts.values()))]
    every += [(each.value, str(each.label), counts.get(each.value, 0)) for each in State]
    shown = [each for each in every if each[2] or each[0] in ("", state)]
    return [
        StateChoice(value, label, count, value == state, *_addresses(task, value, 1))
        for value, label, count in shown
    ]


def _place(task: Task, state: str, number: int) -> Place:
    return Place(*_addresses(task, state, number))


def _addresses(task: Task, state: str, number: int) -> tuple[str, str]:
    asked = {"state": state, "parts": str(number) if number > 1 else ""}
    query = urlencode({name: value for name, value in asked.items() if value})
    whole, alone = (
        reverse("admin:task", args=[task.pk]),
        reverse("admin:task-parts", args=[task.pk]),
    )
    return (f"{whole}?{query}" if query else whole), (f"{alone}?{query}" if query else alone)
