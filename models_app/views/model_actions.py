"""What people do with a model in a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.actions import ACTIONS, Action
from models_app.models import OllamaModel
from models_app.services import benchmarks, lifecycle, pins
from models_app.services.freeing import freed_by_deletion
from models_app.views.models import VIEW, render_panel, render_row, visible_model
from ollamactl.lib.errors import ApplicationError, NotPermitted
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import found, go_to, gone, render_dialog, toast

SERVICES: dict[str, Callable[..., object]] = {
    "start": lifecycle.start_model,
    "stop": lifecycle.stop_model,
    "stop-now": partial(lifecycle.stop_model, force=True),
    "delete": lifecycle.delete_model,
    "cancel": lifecycle.cancel_work,
    "pause": lifecycle.pause_pull,
    "resume": lifecycle.resume_pull,
    "retry": lifecycle.retry_work,
    "benchmark": benchmarks.benchmark_model,
    "pin": pins.pin_model,
    "unpin": pins.unpin_model,
}


@require_POST
@requires(VIEW)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do it, and answer what is shown of the model now; an expected error is said in its place."""
    chosen: Action = found(ACTIONS.get(action) if action in SERVICES else None)
    model: OllamaModel = found(visible_model(request, pk))
    try:
        SERVICES[action](actor=Actor.from_request(request), model=model)
    except NotPermitted:
        raise
    except ApplicationError as error:
        return _shown(request, pk, problem=error.detail, status=error.status)
    done = chosen.done % {"name": model.name}
    if not is_fragment(request):
        leaves = action == "delete"
        url = reverse("admin:models") if leaves else reverse("admin:model", args=[pk])
        return go_to(request, url, done)
    return toast(_shown(request, pk), done)


@require_safe
@requires(VIEW)
def confirm(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """The question before something is lost."""
    chosen: Action = found(ACTIONS.get(action))
    model: OllamaModel = found(visible_model(request, pk))
    question = chosen.confirm % {"name": model.name, "server": model.server.name}
    context = {"model": model, "action": chosen, "question": question}
    if action == "delete":
        context["frees"] = freed_by_deletion(model)
    return render_dialog(request, "models_app/model_confirm.html", context, title=chosen.label)


def _shown(
    request: HttpRequest, pk: int, *, problem: object = "", status: int = 200
) -> HttpResponse:
    in_list = request.POST.get("view") != "panel"
    if not is_fragment(request):
        return go_to(request, reverse("admin:model", args=[pk]), problem, "error")
    model = visible_model(request, pk)
    if model is None:  # the deletion that was asked for is done already
        return gone() if in_list else render(request, "models_app/model_gone.html")
    shown = render_row if in_list else render_panel
    return shown(request, model, problem=problem, status=status)
