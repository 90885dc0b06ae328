"""Many models at once: the plan as a dialog, and its beginning."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.batch_forms import BeginForm, ChosenForm
from models_app.batches.operations import KINDS
from models_app.batches.planning import Plan, PlanItem
from models_app.batches.selection import Selection
from models_app.batches.words import Operation
from models_app.services import batches, updates
from models_app.services.lifecycle import PULL
from ollamactl.lib.errors import ApplicationError, InvalidInput, NotPermitted
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import go_to, render_dialog, toast

VIEW = "models_app.view_ollamamodel"
SHOWN = 100


@require_http_methods(["GET", "HEAD", "POST"])
@requires(VIEW)
def plan(request: HttpRequest) -> HttpResponse:
    """What would happen to each of the chosen models."""
    if request.method != "POST":  # after a login in between, or a reload
        return redirect("admin:models")
    form = ChosenForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(next(iter(form.errors.values()))[0])
    operation = Operation(form.cleaned_data["operation"])
    return show_plan(request, operation, form.selection())


@require_POST
@requires(VIEW)
def begin(request: HttpRequest) -> HttpResponse:
    """Begin what the plan has shown; the models are the very ones that were shown."""
    chosen = ChosenForm(request.POST)
    if not chosen.is_valid():
        raise InvalidInput(next(iter(chosen.errors.values()))[0])
    operation = Operation(chosen.cleaned_data["operation"])
    kind = KINDS[operation]
    selection = _shown_before(chosen)
    count = len(set(selection.ids if selection.ids is not None else selection.servers))
    form = BeginForm(
        request.POST, count=count, dangerous=kind.dangerous, undoable=kind.undone_by is not None
    )
    if not form.is_valid():
        return show_plan(request, operation, selection, form, status=422)
    try:
        task = batches.start_batch(
            actor=Actor.from_request(request),
            operation=operation,
            selection=selection,
            on_error=form.cleaned_data["on_error"],
        ).task
    except NotPermitted:
        raise
    except ApplicationError as error:
        form.add_error(None, str(error.detail))
        return show_plan(request, operation, selection, form, status=409)
    return go_to(request, reverse("admin:task", args=[task.pk]), _("The batch is on its way."))


@require_POST
@requires(PULL)
def look_for_updates(request: HttpRequest) -> HttpResponse:
    """Ask the registries for newer versions."""
    updates.check_updates(actor=Actor.from_request(request))
    said = _("The registries are being asked; what is outdated is marked in the list.")
    if not is_fragment(request):
        return go_to(request, reverse("admin:models"), said)
    return toast(HttpResponse(status=204), said, "info")


def _shown_before(chosen: ChosenForm) -> Selection:
    """What the plan has shown, not what matches a filter by now."""
    if chosen.cleaned_data["name"]:
        return chosen.selection()
    return Selection(ids=chosen.cleaned_data["ids"])


def show_plan(
    request: HttpRequest,
    operation: Operation,
    selection: Selection,
    form: BeginForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """The plan as a dialog, with what begins it."""
    found = batches.plan_batch(
        actor=Actor.from_request(request), operation=operation, selection=selection
    )
    will = found.will()
    form = form or BeginForm(
        initial={"operation": operation, **_named(selection, will)},
        count=len(will),
        dangerous=found.kind.dangerous,
        undoable=found.kind.undone_by is not None,
    )
    context = {**_shown(found), "form": form, "operation": operation}
    return render_dialog(
        request, "models_app/batch_plan.html", context, title=operation.label, status=status
    )


def _named(selection: Selection, will: list[PlanItem]) -> dict[str, str]:
    """How the form names those that will be done: a new name has no ids."""
    if selection.names:
        servers = [str(item.chosen.server.pk) for item in will if item.chosen.server]
        return {"name": selection.names[0], "servers": ",".join(servers)}
    return {"ids": ",".join(str(item.chosen.id) for item in will)}


def _shown(plan: Plan) -> dict[str, Any]:
    """What cannot be done first, as it is what people have to know."""
    order = {"cannot": 0, "nothing": 1, "will": 2}
    items = sorted(plan.items, key=lambda item: order[str(item.judgement.outcome)])
    return {
        "plan": plan,
        "counts": plan.counts(),
        "undo": plan.undo_counts(),
        "servers": plan.servers[:SHOWN],
        "more_servers": max(0, len(plan.servers) - SHOWN),
        "items": items[:SHOWN],
        "more": max(0, len(items) - SHOWN),
    }
