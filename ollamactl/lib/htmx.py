"""Fragment or page, and expected errors in pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ollamactl.lib.errors import ApplicationError


class ApplicationErrorMiddleware:
    """Turns an `ApplicationError` that a page raised into a page or a fragment that says it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer an expected error; leave others to Django."""
        if not isinstance(error, ApplicationError):
            return None
        context: dict[str, Any] = {"error": error}
        template = "panel/error_fragment.html" if is_fragment(request) else "panel/error_page.html"
        return render(request, template, context, status=error.status)


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page (a boosted link asks for a whole one)."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted
