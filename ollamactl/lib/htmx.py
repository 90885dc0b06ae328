"""Fragment or page, and expected errors in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django_htmx.http import reswap, retarget

from ollamactl.lib.errors import ApplicationError

TITLES = {
    403: _("Not permitted"),
    404: _("Not found"),
    409: _("Not possible now"),
    503: _("Not available"),
}


class ApplicationErrorMiddleware:
    """Turns an `ApplicationError` that a page raised into a page or a fragment that says it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer an expected error; leave others to Django."""
        return render_error(request, error) if isinstance(error, ApplicationError) else None


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page (a boosted link asks for a whole one)."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted


def render_error(request: HttpRequest, error: ApplicationError) -> HttpResponse:
    """Say an error: as a toast beside what is shown, in the shell, or alone before a login."""
    if is_fragment(request):
        return as_toast(
            render(request, "panel/error_fragment.html", {"error": error}), error.status
        )
    user = getattr(request, "user", None)
    name = "error_page" if user is not None and user.is_authenticated else "error_plain"
    context = {**shell_context(request), "error": error, "title": _title(error)}
    return render(request, f"panel/{name}.html", context, status=error.status)


def shell_context(request: HttpRequest) -> dict[str, Any]:
    """What every page needs, styles and scripts included; before a login too."""
    if getattr(request, "user", None) is None:
        return {}  # refused before anybody asked who it is
    site = admin.site
    request.current_app = site.name
    return site.each_context(request)


def as_toast(response: HttpResponse, status: int) -> HttpResponse:
    """Put a rendered toast where toasts are, and leave the rest of the page alone."""
    response.status_code = status
    return retarget(reswap(response, "beforeend"), "#oc-toasts")


def _title(error: ApplicationError) -> str:
    return str(TITLES.get(error.status, _("This cannot be done")))
