"""The jump to Open WebUI: a page that looks whether it is there, and then goes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.connection.situations import Program
from models_app.connection.wishes import host_of
from models_app.models import OllamaServer
from models_app.services.connection import connection_info
from models_app.services.open_webui import open_webui_of
from models_app.views.servers import VIEW, visible_server
from ollamactl.lib.pages import found, render_page


@require_safe
@requires(VIEW)
def jump(request: HttpRequest, pk: int) -> HttpResponse:
    """The page that is there at once; what it asks for does the looking."""
    server: OllamaServer = found(visible_server(request, pk))
    context = {"server": server}
    return render_page(request, "models_app/open_webui.html", context, title="Open WebUI")


@require_safe
@requires(VIEW)
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """What was found, as a part of a page. With `?jump=1` the browser goes there if it may."""
    server: OllamaServer = found(visible_server(request, pk))
    actor, asked_as = Actor.from_request(request), host_of(request)
    where = open_webui_of(actor=actor, server=server, asked_as=asked_as)
    is_jump = request.GET.get("jump") == "1"
    context = {"server": server, "where": where, "is_jump": is_jump}
    if not where.is_ready:
        info = connection_info(
            actor=actor, server=server, asked_as=asked_as, situations=(Program.OPEN_WEBUI,)
        )
        context["snippets"] = info.ways[Program.OPEN_WEBUI].snippets[:1]
    return render(request, "models_app/open_webui_card.html", context)
