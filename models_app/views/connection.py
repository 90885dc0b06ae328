"""How programs reach a server: the page, its texts, and the files made of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.connection import files
from models_app.connection.situations import HINTS, Place, Program, place_of
from models_app.connection.wishes import host_of, wishes_of
from models_app.models import OllamaServer
from models_app.services.connection import Connection, connection_info, models_of
from models_app.views.servers import VIEW, visible_server
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import found, render_page


@require_safe
@requires(VIEW)
def connect(request: HttpRequest, pk: int) -> HttpResponse:
    """The page at once with what is known; its fragment, which it asks for, tries the URLs out."""
    server: OllamaServer = found(visible_server(request, pk))
    wishes = {**wishes_of(request.GET), "try_it": is_fragment(request)}
    program, place = _chosen(wishes)
    wishes.update(situations=(*Place.values, program), place=place)
    info = _info(request, server, wishes)
    context = {"server": server, **_context(info, program, wishes["model"])}
    if is_fragment(request):
        return render(request, "models_app/connection_panel.html", context)
    title = _("Connect to “%(name)s”") % {"name": server.name}
    return render_page(request, "models_app/connection.html", context, title=title)


@require_safe
@requires(VIEW)
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """A file about one situation, or about all of them. Nobody is asked."""
    server: OllamaServer = found(visible_server(request, pk))
    format = request.GET.get("format", "env")
    if format not in files.FORMATS:
        raise InvalidInput(
            _("“%(value)s” is none of: %(choices)s.")
            % {"value": format[:40], "choices": ", ".join(files.FORMATS)},
            attr="format",
        )
    info = _info(request, server, {**wishes_of(request.GET), "try_it": False})
    text = files.to_text(info, info.ways.values(), format)
    kind = f"{files.CONTENT_TYPES[format]}; charset=utf-8"
    response = HttpResponse(text, content_type=kind)
    name = files.file_name(info, format)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _info(request: HttpRequest, server: OllamaServer, wishes: dict[str, Any]) -> Connection:
    actor = Actor.from_request(request)
    return connection_info(actor=actor, server=server, asked_as=host_of(request), **wishes)


def _chosen(wishes: dict[str, Any]) -> tuple[Program, Place]:
    """The program and its place; who asks for a place alone is shown curl there."""
    (first, *more) = wishes["situations"]
    if more:
        first = Program.CURL
    if first in Place.values:
        return Program.CURL, Place(first)
    return Program(first), place_of(first, wishes["place"])


def _context(info: Connection, program: Program, model: str) -> dict[str, Any]:
    """What the panel shows. `model`: the one that was asked for, if any."""
    way = info.ways[program]
    kept = {"place": way.place.value, **({"model": model} if model else {})}
    names = models_of(info.server)
    exports = [
        {
            "format": format,
            "label": format.upper() if format != "env" else ".env",
            "text": files.to_text(info, [way], format),
            "query": urlencode({**kept, "for": program.value, "format": format}),
        }
        for format in files.FORMATS
    ]
    return {
        "info": info,
        "way": way,
        "rows": [{"way": info.ways[place], "hint": HINTS[place]} for place in Place],
        "programs": [
            {"label": each.label, "query": urlencode({**kept, "for": each.value}), "value": each}
            for each in Program
        ],
        "places": [(each.value, each.label) for each in Place],
        "models": names if not model or model in names else [model, *names],
        "chosen_model": info.model,
        "exports": exports,
    }
