"""The pages of tasks: the list, a task with its live log, and what people say to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from audit_app.actors import Actor
from audit_app.guards import requires
from ollamactl.lib.errors import ApplicationError, NotPermitted
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import Level, found, go_to, gone, render_page, toast
from ollamactl.lib.paging import keep_in_address, listing_of, options_of
from tasks_app import services
from tasks_app.actions import ACTIONS, TaskAction, available_actions
from tasks_app.choices import LIVE, State
from tasks_app.filters import TaskFilter
from tasks_app.labels import title_of, type_label
from tasks_app.left_out_pages import left_out_page
from tasks_app.log_pages import log_context
from tasks_app.models import Task
from tasks_app.parts import parts_of
from tasks_app.places import places_of
from tasks_app.presentation import error_as_json
from tasks_app.rows import task_rows
from tasks_app.runners import registered_types

VIEW = "tasks_app.view_task"
UNDER_WAY = (",".join(LIVE), gettext_lazy("under way"))

SERVICES: dict[str, Callable[..., Task]] = {
    "cancel": services.cancel_task,
    "pause": services.pause_task,
    "resume": services.resume_task,
    "retry": services.retry_task,
    "rollback": services.roll_back_task,
}


@require_safe
@requires(VIEW)
def task_list(request: HttpRequest) -> HttpResponse:
    """The list: as a page, or alone for a filter, another page of it, or what changed live."""
    visible = Task.objects.visible_to(request.user).select_related("created_by")
    asked = TaskFilter(request.GET, queryset=visible)
    rows = asked.qs if asked.is_valid() else visible.none()
    if "ordering" not in request.GET:
        rows = rows.order_by("-created_at", "-pk")
    listing = listing_of(request, rows, ordering="-created_at")
    context = {
        "listing": listing,
        "rows": task_rows(request, listing.rows),
        "problems": asked.errors,
    }
    if is_fragment(request):
        response = render(request, "tasks_app/task_table.html", context)
        return keep_in_address(response, request, listing)
    types = [(type, type_label(type)) for type in registered_types()]
    choices = {
        "states": options_of(request, "state", [UNDER_WAY, *State.choices]),
        "types": options_of(request, "type", types),
    }
    return render_page(request, "tasks_app/tasks.html", {**context, **choices}, title=_("Tasks"))


@require_safe
@requires(VIEW)
def task_row(request: HttpRequest, pk: int) -> HttpResponse:
    """One row; nothing where the task is gone, so that the row leaves the list."""
    task = visible_task(request, pk)
    return _render_row(request, task) if task else gone()


@require_safe
@requires(VIEW)
def task_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A task's page."""
    task: Task = found(visible_task(request, pk))
    parts = parts_of(request, task)
    context = {
        **panel_context(request, task),
        **log_context(task),
        "parts": parts,
        "left_out": left_out_page(request, task),
    }
    title = _("Task %(id)d") % {"id": task.pk}
    return render_page(request, "tasks_app/task.html", context, title=title)


@require_safe
@requires(VIEW)
def task_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """What changes on a task's page beside the log."""
    task: Task = found(visible_task(request, pk))
    return _render_panel(request, task)


@require_safe
@requires(VIEW)
def task_parts(request: HttpRequest, pk: int) -> HttpResponse:
    """A page of a task's parts alone."""
    task: Task = found(visible_task(request, pk))
    parts = parts_of(request, task)
    if parts is None:
        return gone()
    return render(request, "tasks_app/task_parts.html", {"task": task, "parts": parts})


@require_safe
@requires(VIEW)
def task_left_out(request: HttpRequest, pk: int) -> HttpResponse:
    """A page of what a task has left out, alone."""
    task: Task = found(visible_task(request, pk))
    left_out = left_out_page(request, task)
    if left_out is None:
        return gone()
    return render(request, "tasks_app/left_out.html", {"task": task, "left_out": left_out})


@require_safe
@requires(VIEW)
def task_log(request: HttpRequest, pk: int) -> HttpResponse:
    """The log alone: its end, or the lines that have what is searched for."""
    task: Task = found(visible_task(request, pk))
    context = {"task": task, **log_context(task, request.GET.get("search", ""))}
    return render(request, "tasks_app/task_log.html", context)


@require_safe
@requires(VIEW)
def task_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of a task, as a toast alone."""
    task: Task = found(visible_task(request, pk))
    reason = (error_as_json(task) or {}).get("detail", "")
    told = _notices(bool(task.resource_name)).get(State(task.state))
    if told is None:
        return HttpResponse(status=204)
    level, text = told
    words = {"type": title_of(task), "name": task.resource_name, "reason": reason}
    return toast(HttpResponse(status=204), text % words, level)


def _notices(is_about_something: bool) -> dict[State, tuple[Level, str]]:
    """How a task has ended, in words with places for what it was."""
    if not is_about_something:
        return {
            State.SUCCEEDED: ("success", _("Finished: %(type)s")),
            State.CANCELLED: ("info", _("Cancelled: %(type)s")),
            State.FAILED: ("error", _("Failed: %(type)s. %(reason)s")),
        }
    return {
        State.SUCCEEDED: ("success", _("%(type)s finished: %(name)s")),
        State.CANCELLED: ("info", _("%(type)s cancelled: %(name)s")),
        State.FAILED: ("error", _("%(type)s failed: %(name)s. %(reason)s")),
    }


@require_POST
@requires(VIEW)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Say it to the task, and answer what is shown of it now."""
    chosen: TaskAction = found(ACTIONS.get(action))
    task: Task = found(visible_task(request, pk))
    try:
        SERVICES[action](actor=Actor.from_request(request), task=task)
    except NotPermitted:
        raise
    except ApplicationError as error:
        return _shown(request, pk, error.detail, status=error.status)
    return _shown(request, pk, chosen.done)


def visible_task(request: HttpRequest, pk: int) -> Task | None:
    """The task with all that is shown of it."""
    tasks = Task.objects.visible_to(request.user).select_related("created_by", "parent")
    return tasks.filter(pk=pk).first()


def with_actions(task: Task, request: HttpRequest) -> dict[str, Any]:
    """A task and the buttons that it has for this user."""
    actions = [ACTIONS[name] for name in available_actions(task, request.user)]
    return {"task": task, "actions": actions}


def panel_context(request: HttpRequest, task: Task) -> dict[str, Any]:
    """What a task's page shows beside the log."""
    return {
        "task": task,
        "row": with_actions(task, request),
        "place": places_of([task]).get(task.pk, ""),
        "undoes": _another(task.payload, "undoes"),
        "undone_by": _another(task.result, "rolled_back_by"),
    }


def _another(data: object, name: str) -> Task | None:
    """The task that this one names; it may be too old to be kept."""
    pk = data.get(name) if isinstance(data, dict) else None
    return Task.objects.filter(pk=pk).first() if isinstance(pk, int) else None


def _render_row(
    request: HttpRequest, task: Task, *, problem: object = "", status: int = 200
) -> HttpResponse:
    context = {"rows": task_rows(request, [task], problem=problem)}
    return render(request, "tasks_app/task_rows.html", context, status=status)


def _render_panel(
    request: HttpRequest, task: Task, *, problem: object = "", status: int = 200
) -> HttpResponse:
    context = {**panel_context(request, task), "problem": problem}
    return render(request, "tasks_app/task_panel.html", context, status=status)


def _shown(request: HttpRequest, pk: int, said: object, *, status: int = 200) -> HttpResponse:
    """What is shown of the task now, with the result as a toast or at its place."""
    task: Task = found(visible_task(request, pk))
    if not is_fragment(request):
        level: Level = "success" if status == 200 else "error"
        return go_to(request, reverse("admin:task", args=[pk]), said, level)
    render_it = _render_panel if request.POST.get("view") == "panel" else _render_row
    if status != 200:
        return render_it(request, task, problem=said, status=status)
    return toast(render_it(request, task), said)
