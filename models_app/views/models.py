"""The list of models, one row of it, and a model's page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from audit_app.guards import requires
from models_app.actions import ACTIONS, available_actions
from models_app.batches.buttons import operations_for
from models_app.catalogue_forms import CAPABILITY_NAMES
from models_app.chat.events import CHAT
from models_app.chat.sessions import can_chat
from models_app.choices import ModelStatus, Source
from models_app.filters import OllamaModelFilter
from models_app.models import OllamaModel, OllamaServer
from models_app.quick_filters import chosen_in, counting_takes_long, quick_filters, switched_on
from models_app.services.details import describe_model
from models_app.services.updates import count_outdated, last_look
from models_app.views.model_rows import model_rows
from models_app.views.performance import shown_performance, shown_usage
from models_app.views.searches import context_of, default_query
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import found, gone, render_page
from ollamactl.lib.paging import LIST, Option, clean_query, keep_in_address, listing_of, options_of
from tasks_app.log_pages import log_context
from tasks_app.models import Task

VIEW = "models_app.view_ollamamodel"
TASKS_SHOWN = 10
FLAGS = {
    "loaded": gettext_lazy("Loaded"),
    "pinned": gettext_lazy("Pinned"),
    "outdated": gettext_lazy("Outdated"),
}
TYPED = ("min_size", "max_size", "created_after", "created_before")
MORE = ("server", "from", *TYPED)


@require_safe
@requires(VIEW)
def model_list(request: HttpRequest) -> HttpResponse:
    """The list: as a page, or alone for a filter, another page of it, or what changed live."""
    chosen = "" if request.GET or is_fragment(request) else default_query(request)
    if chosen:
        return redirect(f"{request.path}?{chosen}")
    visible = OllamaModel.objects.visible_to(request.user).for_list().order_by("name", "pk")
    asked = OllamaModelFilter(request.GET, queryset=visible)
    rows = asked.qs if asked.is_valid() else visible.none()
    listing = listing_of(request, rows, ordering="name")
    context: dict[str, Any] = {
        "listing": listing,
        "listing_query": listing.query,
        "note_values": json.dumps({"query": listing.query}),
        "typed": request.GET.get("search", ""),
        "rows": model_rows(request, listing.rows),
        **_problems(asked),
        "servers": list(OllamaServer.objects.visible_to(request.user).values_list("pk", "name")),
        **_quick_filters(request, asked),
    }
    if is_fragment(request):
        # What came live is nobody's search.
        is_asked = request.htmx.trigger != LIST  # type: ignore[attr-defined]
        # The counts beside the list say what is switched on. Those that take long follow changes by
        # themselves: a list that came live would replace them by none.
        as_extra = is_asked or "counts_come_later" not in context
        extra = {**context, "as_fragment": True, "as_extra": as_extra, "is_asked": is_asked}
        response = render(request, "models_app/model_table.html", extra)
        return keep_in_address(response, request, listing)
    context |= {
        **context_of(request),
        "is_asked": True,
        "batch_operations": operations_for(request.user),
        "updates": {"outdated": count_outdated(), "checked_at": last_look()},
        "choices": [
            _several(request, "status", _("Status"), ModelStatus.choices),
            _several(request, "server", _("Server"), context["servers"]),
            _several(request, "from", _("Source"), Source.choices),
        ],
        "flags": [
            {"name": name, "label": label, "options": options_of(request, name, _yes_or_no())}
            for name, label in FLAGS.items()
        ],
        "more_filters": any(request.GET.get(name) for name in (*MORE, *FLAGS)),
    }
    return render_page(request, "models_app/models.html", context, title=_("Models"))


@require_safe
@requires(VIEW)
def model_counts(request: HttpRequest) -> HttpResponse:
    """The quick filters with their counts of now, for the list whose query this is."""
    visible = OllamaModel.objects.visible_to(request.user)
    context = {
        "quick_filters": quick_filters(visible, OllamaModelFilter(request.GET, queryset=visible)),
        "listing_query": clean_query(request.GET).urlencode(),
    }
    return render(request, "models_app/model_counts.html", context)


def _quick_filters(request: HttpRequest, asked: OllamaModelFilter) -> dict[str, Any]:
    models = OllamaModel.objects.visible_to(request.user)
    if counting_takes_long(models):
        return {"quick_filters": switched_on(request.GET), "counts_come_later": True}
    return {"quick_filters": quick_filters(models, asked)}


def _problems(asked: OllamaModelFilter) -> dict[str, Any]:
    """What is wrong with the filters: at the field where something was typed, else at the list."""
    errors = asked.errors
    fields = {
        name: {"id": f"filter-{name.replace('_', '-')}", "errors": errors.get(name, [])}
        for name in TYPED
    }
    elsewhere = [found for name, found in errors.items() if name not in TYPED]
    return {"problems": errors, "problems_elsewhere": elsewhere, "fields": fields}


def _several(
    request: HttpRequest, name: str, label: str, choices: Iterable[tuple[Any, Any]]
) -> dict[str, Any]:
    """A filter of which several lines may be chosen."""
    asked = chosen_in(request.GET, name)
    options = [Option(str(value), text, str(value) in asked) for value, text in choices]
    return {"name": name, "label": label, "options": options}


def _yes_or_no() -> list[tuple[str, str]]:
    return [("true", _("yes")), ("false", _("no"))]


@require_safe
@requires(VIEW)
def model_row(request: HttpRequest, pk: int) -> HttpResponse:
    """One row; nothing where the model is gone, so that the row leaves the list."""
    model = visible_model(request, pk)
    return render_row(request, model) if model else gone()


@require_safe
@requires(VIEW)
def model_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A model's page."""
    model = found(visible_model(request, pk))
    context = {**panel_context(request, model), **_last_log(request, model)}
    return render_page(request, "models_app/model.html", context, title=model.name)


@require_safe
@requires(VIEW)
def model_log(request: HttpRequest, pk: int) -> HttpResponse:
    """The log of the model's last task: another one when something new is done with the model."""
    model = visible_model(request, pk)
    if model is None:
        return gone()
    context = {"model": model, **_last_log(request, model)}
    return render(request, "models_app/model_log.html", context)


@require_safe
@requires(VIEW)
def model_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """What changes on a model's page."""
    model = visible_model(request, pk)
    if model is None:
        return render(request, "models_app/model_gone.html")
    return render_panel(request, model)


@require_safe
@requires(VIEW)
def model_details(request: HttpRequest, pk: int) -> HttpResponse:
    """What the server says of the model when it is asked now; a page never waits for it."""
    model: OllamaModel = found(visible_model(request, pk))
    details = describe_model(model)
    context = {"model": model, "details": details, "capability_names": CAPABILITY_NAMES}
    return render(request, "models_app/model_details.html", context)


def visible_model(request: HttpRequest, pk: int) -> OllamaModel | None:
    """The model with all that is shown of it."""
    return OllamaModel.objects.visible_to(request.user).for_display().filter(pk=pk).first()


def render_row(
    request: HttpRequest, model: OllamaModel, *, problem: object = "", status: int = 200
) -> HttpResponse:
    """A row of the list, the same at first load and in each swap."""
    typed = request.GET.get("search", "")
    context = {"rows": model_rows(request, [model], problem=problem), "typed": typed}
    return render(request, "models_app/model_rows.html", context, status=status)


def render_panel(
    request: HttpRequest, model: OllamaModel, *, problem: object = "", status: int = 200
) -> HttpResponse:
    """The changing part of a model's page."""
    context = {**panel_context(request, model), "problem": problem}
    return render(request, "models_app/model_panel.html", context, status=status)


def _with_actions(model: OllamaModel, request: HttpRequest) -> dict[str, Any]:
    """A model and the buttons that it has for this user on its own page."""
    return {
        "model": model,
        "can_chat": can_chat(model) and request.user.has_perm(CHAT),
        "actions": [ACTIONS[name] for name in available_actions(model, request.user)],
    }


def _last_log(request: HttpRequest, model: OllamaModel) -> dict[str, Any]:
    """The model's last task with its log, for those who may see tasks."""
    task = Task.objects.visible_to(request.user).filter(pk=model.last_task_id or 0).first()
    if task is None:
        return {"task": None}
    return {"task": task, **log_context(task, request.GET.get("search", ""))}


def panel_context(request: HttpRequest, model: OllamaModel) -> dict[str, Any]:
    """What a model's page shows."""
    history = Task.objects.visible_to(request.user).about("model", model.pk)
    return {
        "row": _with_actions(model, request),
        "model": model,
        "performance": shown_performance(model),
        "used": shown_usage(model, request.user),
        "history": history.select_related("created_by")[:TASKS_SHOWN],
    }
