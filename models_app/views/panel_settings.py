"""The page of the panel's settings."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.models import OllamaServer, PanelSettings
from models_app.services import panel_settings as services
from models_app.settings_forms import SettingsForm
from ollamactl.lib.errors import ApplicationError, NotPermitted
from ollamactl.lib.pages import go_to, render_page

SERVERS_SHOWN = 50
HAS_OWN = (
    Q(max_downloads__isnull=False)
    | Q(keep_free_disk__isnull=False)
    | Q(keep_free_memory__isnull=False)
)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(services.VIEW)
def panel_settings(request: HttpRequest) -> HttpResponse:
    """What holds for all servers, and what each of them has of its own."""
    panel = PanelSettings.objects.current()
    may_change = request.user.has_perm(services.CHANGE)
    if request.method != "POST":
        return _shown(request, SettingsForm(panel=panel, may_change=may_change))
    actor = Actor.from_request(request)
    actor.require(services.CHANGE)
    form = SettingsForm(request.POST, panel=panel)
    if form.is_valid():
        try:
            services.update_settings(actor=actor, **form.cleaned_data)
        except NotPermitted:
            raise
        except ApplicationError as error:
            form.show(error)
        else:
            return go_to(request, reverse("admin:settings"), _("The settings are changed."))
    return _shown(request, form, status=422)


def _shown(request: HttpRequest, form: SettingsForm, *, status: int = 200) -> HttpResponse:
    visible = OllamaServer.objects.visible_to(request.user).annotate(has_own=HAS_OWN)
    servers = list(visible.order_by("-has_own", "name", "pk")[: SERVERS_SHOWN + 1])
    context = {
        "form": form,
        "may_change": request.user.has_perm(services.CHANGE),
        "servers": servers[:SERVERS_SHOWN],
        "more_servers": len(servers) > SERVERS_SHOWN,
    }
    page = "models_app/settings.html"
    return render_page(request, page, context, title=_("Settings"), status=status)
