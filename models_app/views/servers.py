"""The list of servers, a server's page, and the dialog that adds or changes one."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.connection.cautions import cautions_for
from models_app.forms import ServerForm
from models_app.models import OllamaModel, OllamaServer, PanelSettings
from models_app.querysets import OllamaServerQuerySet
from models_app.services import servers as services
from models_app.services.conflicts import open_conflicts
from models_app.views.model_rows import model_rows
from models_app.views.server_hosts import reported_host
from ollamactl.lib.errors import ApplicationError, NotPermitted
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import found, go_to, gone, render_dialog, render_page
from ollamactl.lib.paging import keep_in_address, listing_of
from tasks_app.models import Task

VIEW = "models_app.view_ollamaserver"
MODELS_SHOWN = 50
TASKS_SHOWN = 10
CONFLICTS_SHOWN = 50


@require_safe
@requires(VIEW)
def server_list(request: HttpRequest) -> HttpResponse:
    """All servers."""
    listing = listing_of(request, _counted(request), ordering="name")
    context = {"listing": listing, "servers": listing.rows}
    if is_fragment(request):
        response = render(request, "models_app/server_cards.html", context)
        return keep_in_address(response, request, listing)
    return render_page(request, "models_app/servers.html", context, title=_("Servers"))


@require_safe
@requires(VIEW)
def server_card(request: HttpRequest, pk: int) -> HttpResponse:
    """One server of the list."""
    server = visible_server(request, pk)
    return render_card(request, server) if server else gone()


@require_safe
@requires(VIEW)
def server_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A server's page."""
    server = found(visible_server(request, pk))
    context = panel_context(request, server)
    return render_page(request, "models_app/server.html", context, title=server.name)


@require_safe
@requires(VIEW)
def server_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """What changes on a server's page."""
    server = visible_server(request, pk)
    if server is None:
        return render(request, "models_app/server_gone.html")
    return render_panel(request, server)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(services.ADD)
def add_server(request: HttpRequest) -> HttpResponse:
    """The dialog for a new server, and the server that it asks for."""
    form = ServerForm(request.POST or None)
    if request.method != "POST":
        return _show_form(request, form, title=_("Add a server"))
    if form.is_valid():
        try:
            fields = form.service_fields()
            server = services.add_server(actor=Actor.from_request(request), **fields)
        except NotPermitted:
            raise
        except ApplicationError as error:
            form.show(error)
        else:
            done = _("The server “%(name)s” is added; it is being checked.") % {"name": server.name}
            return go_to(request, reverse("admin:server", args=[server.pk]), done)
    return _show_form(request, form, title=_("Add a server"), status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(services.CHANGE)
def edit_server(request: HttpRequest, pk: int) -> HttpResponse:
    """The dialog that changes a server."""
    server: OllamaServer = found(visible_server(request, pk))
    title = _("Change “%(name)s”") % {"name": server.name}
    form = ServerForm(request.POST or None, server=server)
    if request.method != "POST":
        return _show_form(request, form, title=title, server=server)
    if form.is_valid():
        try:
            actor = Actor.from_request(request)
            services.update_server(actor=actor, server=server, **form.service_fields())
        except NotPermitted:
            raise
        except ApplicationError as error:
            form.show(error)
        else:
            url = reverse("admin:server", args=[pk])
            return go_to(request, url, _("The server is changed; it is being checked."))
    return _show_form(request, form, title=title, server=server, status=422)


def visible_server(request: HttpRequest, pk: int) -> OllamaServer | None:
    """The server with the number of its models."""
    return _counted(request).filter(pk=pk).first()


def render_card(
    request: HttpRequest, server: OllamaServer, *, problem: object = "", status: int = 200
) -> HttpResponse:
    """A server of the list, the same at first load and in each swap."""
    context = {"server": server, "problem": problem}
    return render(request, "models_app/server_card.html", context, status=status)


def render_panel(
    request: HttpRequest, server: OllamaServer, *, problem: object = "", status: int = 200
) -> HttpResponse:
    """The changing part of a server's page."""
    context = {**panel_context(request, server), "problem": problem}
    return render(request, "models_app/server_panel.html", context, status=status)


def panel_context(request: HttpRequest, server: OllamaServer) -> dict[str, Any]:
    """What a server's page shows."""
    models = OllamaModel.objects.visible_to(request.user).for_display().filter(server=server)
    shown = models.order_by("-is_loaded", "name", "pk")[:MODELS_SHOWN]
    history = Task.objects.visible_to(request.user).about("server", server.pk)
    last_sync = history.filter(type="server.sync").order_by("-created_at", "-id").first()
    conflicts = list(open_conflicts(server)[: CONFLICTS_SHOWN + 1])
    panel = PanelSettings.objects.current()
    return {
        "server": server,
        "downloads_at_once": panel.downloads_on(server),
        "disk_kept": panel.disk_kept(server),
        "memory_kept": panel.memory_kept(server),
        "host": reported_host(server),
        "conflicts": conflicts[:CONFLICTS_SHOWN],
        "more_conflicts": len(conflicts) > CONFLICTS_SHOWN,
        "warnings": [each for each in cautions_for(server, None) if each.level == "warning"],
        "rows": model_rows(request, shown),
        "last_sync": last_sync,
        "history": history.select_related("created_by")[:TASKS_SHOWN],
    }


def _counted(request: HttpRequest) -> OllamaServerQuerySet:
    servers: OllamaServerQuerySet = (
        OllamaServer.objects.visible_to(request.user)
        .annotate(
            model_count=Count("models"),
            running_count=Count("models", filter=Q(models__is_loaded=True)),
        )
        .order_by("name", "pk")
    )
    return servers


def _show_form(
    request: HttpRequest,
    form: ServerForm,
    *,
    title: str,
    server: OllamaServer | None = None,
    status: int = 200,
) -> HttpResponse:
    return render_dialog(
        request,
        "models_app/server_form.html",
        {"form": form, "server": server},
        title=title,
        status=status,
    )
