"""Settling, on a server's page, what a sync has found to differ."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.conflict_models import SyncConflict
from models_app.models import OllamaServer
from models_app.services.conflicts import settle_conflict
from models_app.services.servers import SYNC
from models_app.views.servers import render_panel, visible_server
from ollamactl.lib.errors import ApplicationError, NotPermitted
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import found, go_to, toast


@require_POST
@requires(SYNC)
def settle(request: HttpRequest, pk: int, how: str) -> HttpResponse:
    """Settle one conflict, and answer what the server's page shows now."""
    conflict: SyncConflict = found(
        SyncConflict.objects.select_related("server", "model").filter(pk=pk).first()
    )
    try:
        settle_conflict(actor=Actor.from_request(request), conflict=conflict, how=how)
    except NotPermitted:
        raise
    except ApplicationError as error:
        return _shown(request, conflict, error.detail, status=error.status)
    done = _("The conflict about “%(name)s” is settled.") % {"name": conflict.name}
    return _shown(request, conflict, done)


def _shown(
    request: HttpRequest, conflict: SyncConflict, said: object, *, status: int = 200
) -> HttpResponse:
    if not is_fragment(request):
        url = reverse("admin:server", args=[conflict.server_id])
        return go_to(request, url, said, "success" if status == 200 else "error")
    server: OllamaServer = found(visible_server(request, conflict.server_id))
    if status != 200:
        return render_panel(request, server, problem=said, status=status)
    return toast(render_panel(request, server), said)
