"""The catalogue of well-known models, to find what to download."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit_app.guards import requires
from models_app.catalogue import catalogue
from models_app.catalogue_forms import CAPABILITY_NAMES, CatalogueForm
from models_app.models import OllamaServer
from models_app.resources.fitting import room_of
from models_app.views.models import VIEW
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import render_page
from ollamactl.lib.paging import keep_in_address, listing_of, options_of

SIZES = ("1GB", "2GB", "5GB", "10GB", "20GB", "50GB")


@require_safe
@requires(VIEW)
def catalogue_page(request: HttpRequest) -> HttpResponse:
    """The families, as a page or the list alone; the first server that answers is asked about."""
    servers = OllamaServer.objects.visible_to(request.user)
    form = CatalogueForm(request.GET, servers=servers)
    is_valid = form.is_valid()
    server = (form.cleaned_data.get("server") if is_valid else None) or (
        servers.reachable_first().first()
    )
    room = room_of(server) if server else None
    listing = listing_of(request, form.found(room) if is_valid else [], ordering="")
    context: dict[str, Any] = {
        "listing": listing,
        "families": listing.rows,
        "typed": request.GET.get("search", ""),
        "problems": form.errors,
        "server": server,
        "room": room,
        "date": catalogue().date,
        "capability_names": CAPABILITY_NAMES,
    }
    if is_fragment(request):
        response = render(request, "models_app/catalogue_list.html", context)
        return keep_in_address(response, request, listing)
    choices = {
        "capabilities": options_of(request, "capability", CAPABILITY_NAMES.items()),
        "sizes": options_of(request, "max_size", [(size, _up_to(size)) for size in SIZES]),
        "server_options": options_of(request, "server", servers.values_list("pk", "name")),
        "fit_options": options_of(request, "fits", [("true", _("fits"))]),
    }
    return render_page(
        request, "models_app/catalogue.html", {**context, **choices}, title=_("Catalogue")
    )


def _up_to(size: str) -> str:
    return _("up to %(size)s") % {"size": f"{size[:-2]} {size[-2:]}"}
