"""What people do with a server in a page: check, sync, remove."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.models import OllamaServer
from models_app.services import servers as services
from models_app.views.servers import VIEW, render_card, render_panel, visible_server
from ollamactl.lib.errors import ApplicationError, NotPermitted
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import Level, found, go_to, render_dialog, toast


@require_POST
@requires(VIEW)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the server now and show what it says."""
    server: OllamaServer = found(visible_server(request, pk))
    server = services.check_server(actor=Actor.from_request(request), server=server)
    said = _("“%(name)s” is %(status)s.") % {
        "name": server.name,
        "status": server.get_status_display(),
    }
    return _shown(request, pk, said)


@require_POST
@requires(services.SYNC)
def sync(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring the panel's rows in line with the server."""
    server: OllamaServer = found(visible_server(request, pk))
    try:
        services.sync_server(actor=Actor.from_request(request), server=server)
    except NotPermitted:
        raise
    except ApplicationError as error:
        return _shown(request, pk, error.detail, status=error.status)
    return _shown(request, pk, _("The sync of “%(name)s” has begun.") % {"name": server.name})


@require_POST
@requires(services.SYNC)
def sync_all(request: HttpRequest) -> HttpResponse:
    """Bring the panel's rows in line with all servers."""
    task = services.sync_all(actor=Actor.from_request(request))
    url = reverse("admin:task", args=[task.pk])
    return go_to(request, url, _("The sync of all servers has begun."))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(services.REMOVE)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then forget the server."""
    server: OllamaServer = found(visible_server(request, pk))
    problem: object = ""
    if request.method == "POST":
        try:
            services.remove_server(actor=Actor.from_request(request), server=server)
        except NotPermitted:
            raise
        except ApplicationError as error:
            problem = error.detail
        else:
            done = _("The server “%(name)s” is removed from the panel.") % {"name": server.name}
            return go_to(request, reverse("admin:servers"), done)
    return render_dialog(
        request,
        "models_app/server_remove.html",
        {"server": server, "problem": problem},
        title=_("Remove the server"),
        status=409 if problem else 200,
    )


def _shown(request: HttpRequest, pk: int, said: object, *, status: int = 200) -> HttpResponse:
    """What is shown of the server now, with the result as a toast or at its place."""
    server: OllamaServer = found(visible_server(request, pk))
    if not is_fragment(request):
        level: Level = "success" if status == 200 else "error"
        return go_to(request, reverse("admin:server", args=[pk]), said, level)
    render_it = render_panel if request.POST.get("view") == "panel" else render_card
    if status != 200:
        return render_it(request, server, problem=said, status=status)
    return toast(render_it(request, server), said)
