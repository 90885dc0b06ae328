"""Whole pages inside the shell, and the short messages that pages show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django_htmx.http import trigger_client_event

from ollamactl.lib.errors import NotFound
from ollamactl.lib.htmx import is_fragment

Level = Literal["success", "info", "warning", "error"]


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    title: object,
    status: int = 200,
) -> HttpResponse:
    """Render a page of ours with everything that the shell shows around it."""
    site = admin.site
    request.current_app = site.name
    full = {**site.each_context(request), "title": title, **context}
    return render(request, template, full, status=status)


def render_dialog(
    request: HttpRequest,
    part: str,
    context: Mapping[str, Any],
    *,
    title: object,
    status: int = 200,
) -> HttpResponse:
    """Render a part for the dialog, or as a page of its own for who comes by a link.

    The part knows by `in_dialog` which of them it is.
    """
    if is_fragment(request):
        return render(request, part, {**context, "title": title, "in_dialog": True}, status=status)
    whole = {**context, "part": part}
    return render_page(request, "panel/dialog_page.html", whole, title=title, status=status)


def toast(response: HttpResponse, message: object, level: Level = "success") -> HttpResponse:
    """Show a short message once the answer has arrived; screen readers hear it too."""
    return trigger_client_event(response, "panel:toast", {"message": str(message), "level": level})


def go_to(
    request: HttpRequest, url: str, message: object, level: Level = "success"
) -> HttpResponse:
    """Send the browser to another page, which shows the message."""
    tell = {"success": messages.success, "info": messages.info, "warning": messages.warning}
    tell.get(level, messages.error)(request, str(message))
    if not is_fragment(request):
        return redirect(url)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = url
    return response


def found(row: Any) -> Any:
    """The row, or `NotFound` where there is none that this user may know of."""
    if row is None:
        raise NotFound(_("This is not here (any more). Go back to the list and look there."))
    return row


def gone() -> HttpResponse:
    """Nothing: what stood there leaves the page."""
    return HttpResponse("")
