"""What is asked before work on a model begins: each a dialog, and a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.actions import ACTIONS
from models_app.choices import Source
from models_app.model_forms import NewNameForm, RecreateForm, StartForm
from models_app.models import OllamaModel
from models_app.services import copies, lifecycle, recreating
from models_app.views.models import visible_model
from ollamactl.lib.errors import ApplicationError, NotPermitted
from ollamactl.lib.pages import found, go_to, render_dialog
from ollamactl.lib.sentences import join_sentences

METHODS = ["GET", "HEAD", "POST"]
# Begins the work that a valid form asks for; answers the model whose page is shown then.
Serve = Callable[[Actor, OllamaModel, dict[str, Any]], OllamaModel]


@require_http_methods(METHODS)
@requires(copies.COPY)
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the name of a copy."""
    model: OllamaModel = found(visible_model(request, pk))
    intro = _(
        "The copy shares its layers with the model: it takes no more space on the disk. It can be "
        "changed and deleted by itself."
    )
    form = NewNameForm(request.POST or None)

    def serve(actor: Actor, model: OllamaModel, data: dict[str, Any]) -> OllamaModel:
        return copies.copy_model(actor=actor, model=model, **data).model

    return asked(request, model, "copy", form, serve, intro)


@require_http_methods(METHODS)
@requires(copies.COPY)
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a model's new name."""
    model: OllamaModel = found(visible_model(request, pk))
    intro = _("Programs that ask for the old name will not find the model any more.")
    form = NewNameForm(request.POST or None, initial={"name": model.name})

    def serve(actor: Actor, model: OllamaModel, data: dict[str, Any]) -> OllamaModel:
        return copies.rename_model(actor=actor, model=model, **data).model

    return asked(request, model, "rename", form, serve, intro)


@require_http_methods(METHODS)
@requires(lifecycle.START)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask how a model shall be loaded."""
    model: OllamaModel = found(visible_model(request, pk))
    form = StartForm(request.POST or None, model=model)

    def serve(actor: Actor, model: OllamaModel, data: dict[str, Any]) -> OllamaModel:
        lifecycle.start_model(actor=actor, model=model, **data)
        return model

    return asked(request, model, "start-options", form, serve, "")


@require_http_methods(METHODS)
@requires(recreating.RECREATE)
def recreate(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask what shall be different about a model."""
    model: OllamaModel = found(visible_model(request, pk))
    intro = _(
        "The model is made again out of itself with what you enter; what you leave empty stays as "
        "it is. The old one stays until the new one is there."
    )
    if model.source != Source.LOCAL:
        again = _("With nothing changed it is pulled again from its registry.")
        intro = join_sentences(intro, again)
    form = RecreateForm(request.POST or None, model=model)

    def serve(actor: Actor, model: OllamaModel, data: dict[str, Any]) -> OllamaModel:
        return recreating.recreate_model(actor=actor, model=model, **data).model

    return asked(request, model, "recreate", form, serve, intro)


def asked(
    request: HttpRequest,
    model: OllamaModel,
    name: str,
    form: forms.Form,
    serve: Serve,
    intro: str,
) -> HttpResponse:
    """Show the form of an action; begin its work where it is sent and right."""
    action = ACTIONS[name]
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                shown = serve(Actor.from_request(request), model, form.cleaned_data)
            except NotPermitted:
                raise
            except ApplicationError as error:
                status = error.status if error.status == 409 else 422
                form.add_error(error.attr if error.attr in form.fields else None, str(error.detail))
            else:
                done = action.done % {"name": model.name}
                return go_to(request, reverse("admin:model", args=[shown.pk]), done)
    context = {
        "model": model,
        "action": action,
        "form": form,
        "intro": intro,
        "address": reverse(action.dialog, args=[model.pk]),
    }
    return render_dialog(
        request, "models_app/model_form.html", context, title=action.label, status=status
    )
