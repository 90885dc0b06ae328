"""Adding a model: the dialog, the check while its name is typed, and the pull."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.batches.selection import Selection
from models_app.batches.words import Operation
from models_app.catalogue import catalogue
from models_app.forms import PullForm
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.resources.verdict import BLOCK, Preflight
from models_app.services import lifecycle
from models_app.services.preflight import check_pull
from models_app.views.batches import show_plan
from ollamactl.lib.errors import ApplicationError, Conflict, NotPermitted
from ollamactl.lib.pages import go_to, render_dialog

MOST_DIGITS = 19


@require_http_methods(["GET", "HEAD", "POST"])
@requires(lifecycle.PULL)
def add_model(request: HttpRequest) -> HttpResponse:
    """The dialog, and the pull that it asks for."""
    if request.method == "POST":
        return _pull(request, form_of(request, request.POST))
    initial: dict[str, Any] = {"name": request.GET.get("name", "")[:600]}
    number = request.GET.get("server", "")
    if number.isdecimal() and len(number) < MOST_DIGITS:
        servers = OllamaServer.objects.visible_to(request.user)
        chosen = servers.filter(pk=int(number)).first()
        initial |= {"server": chosen} if chosen else {}
    return show_form(request, form_of(request, initial=initial))


@require_POST
@requires(lifecycle.PULL)
def check_name(request: HttpRequest) -> HttpResponse:
    """The verdict on what is typed so far: wrong, there already, or what the download needs."""
    form = form_of(request, request.POST)
    if not request.POST.get("name", "").strip():
        return render(request, "models_app/pull_verdict.html", {})
    if not form.is_valid():
        return render(request, "models_app/pull_verdict.html", {"form": form})
    server: OllamaServer = form.cleaned_data["server"]
    name = ModelName.parse(form.cleaned_data["name"])
    present = OllamaModel.objects.for_display().filter(server=server, key=name.key).first()
    preflight = check_pull(server=server, name=name.display)
    context: dict[str, Any] = {
        "form": form,
        "present": present,
        "name": name.display,
        "server": server,
    }
    context |= {"known": catalogue().family_of(name.display), "registry": name.host}
    return render(
        request, "models_app/pull_verdict.html", {**context, **_verdict(request, preflight)}
    )


def form_of(request: HttpRequest, data: Any = None, **kwargs: Any) -> PullForm:
    """The form with the servers of this user; the first one that answers is chosen."""
    servers = OllamaServer.objects.visible_to(request.user)
    if data is None:
        first = servers.reachable_first().first()
        kwargs["initial"] = {"server": first, **kwargs.get("initial", {})}
    return PullForm(data, servers=servers, **kwargs)


def show_form(
    request: HttpRequest, form: PullForm, *, status: int = 200, **extra: Any
) -> HttpResponse:
    """The dialog, or the same as a page of its own."""
    count = form.fields["server"].queryset.count()  # type: ignore[attr-defined]
    context = {"form": form, "server_count": count, "suggested": catalogue().tags, **extra}
    return render_dialog(
        request, "models_app/pull_form.html", context, title=_("Add a model"), status=status
    )


def _pull(request: HttpRequest, form: PullForm) -> HttpResponse:
    if not form.is_valid():
        return show_form(request, form, status=422)
    data, servers = form.cleaned_data, form.servers()
    if len(servers) > 1:
        return _plan_for(request, form, servers)
    try:
        pull = lifecycle.pull_model(
            actor=Actor.from_request(request),
            server=data["server"],
            name=data["name"],
            override=data["override"],
        )
    except NotPermitted:
        raise
    except ApplicationError as error:
        return _refused(request, form, error)
    url = reverse("admin:model", args=[pull.model.pk])
    return go_to(request, url, _("“%(name)s” is on its way.") % {"name": pull.model.name})


def _plan_for(request: HttpRequest, form: PullForm, servers: list[OllamaServer]) -> HttpResponse:
    """Several servers are a batch: first its plan."""
    ids = [server.pk for server in servers]
    selection = Selection(names=[form.cleaned_data["name"]], servers=ids)
    return show_plan(request, Operation.PULL, selection)


def _refused(request: HttpRequest, form: PullForm, error: ApplicationError) -> HttpResponse:
    """A model on its way already is shown; anything else is said in the dialog."""
    if isinstance(error, Conflict) and "model" in error.extra:
        url = reverse("admin:model", args=[error.extra["model"]])
        return go_to(request, url, error.detail, "info")
    form.add_error(error.attr if error.attr in form.fields else None, str(error.detail))
    blocked = error.code == "insufficient_resources"
    may_override = blocked and request.user.has_perm(lifecycle.OVERRIDE)
    return show_form(request, form, status=422, may_override=may_override)


def _verdict(request: HttpRequest, preflight: Preflight) -> dict[str, Any]:
    blocked = preflight.verdict == BLOCK
    return {
        "preflight": preflight,
        "may_override": blocked and request.user.has_perm(lifecycle.OVERRIDE),
    }
