"""Pages that say how something about the panel itself is put right."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ollamactl.lib.pages import render_page

EXAMPLE_HOST = "panel.example.com"


@require_safe
def https_help(request: HttpRequest) -> HttpResponse:
    """How to put HTTPS in front of the panel, with this panel's own port."""
    context = {"port": str(settings.CONFIG.bind_port), "example_host": EXAMPLE_HOST}
    title = _("HTTPS for this panel")
    return render_page(request, "panel/help_https.html", context, title=title)
