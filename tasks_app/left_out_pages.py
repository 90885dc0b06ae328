"""What a task has left out, a page of it at a time, as its own page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.urls import reverse

from tasks_app.left_out import Kept, LeftOut, left_out_of, tell
from tasks_app.models import Task
from tasks_app.parts import Place

SHOWN = 50
FEW = 10
"""So many are in sight at once; more are folded up until somebody asks for them."""


@dataclass(frozen=True)
class LeftOutPage:
    """One page and the ways to the others. `is_open`: whether it is in sight by itself."""

    page: Page[Any]
    rows: list[LeftOut]
    is_open: bool
    previous: Place | None
    next: Place | None


def left_out_page(request: HttpRequest, task: Task) -> LeftOutPage | None:
    """What `?left_out=` asks for; None for a task that has left nothing out."""
    every: list[Kept] = left_out_of(task)
    if not every:
        return None
    asked = request.GET.get("left_out")
    page = Paginator(every, SHOWN).get_page(asked)
    return LeftOutPage(
        page=page,
        rows=tell(task, list(page.object_list)),
        is_open=bool(asked) or len(every) <= FEW,
        previous=_place(task, page.number - 1) if page.has_previous() else None,
        next=_place(task, page.number + 1) if page.has_next() else None,
    )


def _place(task: Task, number: int) -> Place:
    query = f"?left_out={number}"
    whole, alone = (reverse(f"admin:{name}", args=[task.pk]) for name in ("task", "task-left-out"))
    return Place(whole + query, alone + query)
