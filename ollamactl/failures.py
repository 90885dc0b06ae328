"""Pages for what went wrong: not found, forbidden, a failure of the panel, a forged form."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from ollamactl.lib.api.errors import as_body
from ollamactl.lib.errors import ApplicationError, NotFound, NotPermitted
from ollamactl.lib.htmx import render_error, shell_context


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: there is no such page."""
    return render_error(request, NotFound(_("There is nothing at this address.")))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: the stock admin refuses what a page of ours would not have offered."""
    return render_error(
        request, NotPermitted(_("You are not permitted to see this. Ask an administrator."))
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: Django does not take the request as it is."""
    if not isinstance(exception, DisallowedHost):
        return _say(request, ApplicationError(_("The panel cannot read this request.")))
    error = ApplicationError(
        _(
            "The panel does not go by this name. Whoever runs it can add the name to "
            "OLLAMACTL_ALLOWED_HOSTS."
        ),
        code="unknown_host",
    )
    return _say(request, error)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form that does not come from a page of this browser's login."""
    error = NotPermitted(
        _("This form is out of date, as the login has changed since. Load the page again."),
        code="csrf_failed",
    )
    return render_error(request, error)


def failed(request: HttpRequest) -> HttpResponse:
    """500: with nothing that could fail again (no database, no session, no translation)."""
    if _is_of_the_api(request):
        detail = "Something went wrong in the panel. Its log says what."
        wrong = {"code": "error", "detail": detail, "attr": None}
        return JsonResponse({"type": "server_error", "errors": [wrong]}, status=500)
    return HttpResponse(render_to_string("500.html"), status=500)


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429: too many wrong passwords for this name from this address."""
    context = shell_context(request)
    status: int = settings.AXES_HTTP_RESPONSE_CODE
    return render(request, "admin/locked_out.html", context, status=status)


def _say(request: HttpRequest, error: ApplicationError) -> HttpResponse:
    """An error in the shape of who asked: a page's or the API's."""
    if _is_of_the_api(request):
        return JsonResponse(as_body(error), status=error.status)
    return render_error(request, error)


def _is_of_the_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
