"""What every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def panel(request: HttpRequest) -> dict[str, Any]:
    """Facts about this panel, for its shell."""
    return {
        "csrf_cookie_name": settings.CSRF_COOKIE_NAME,
        "warns_of_http": _is_open_without_https(request) and _administers(request),
    }


def _is_open_without_https(request: HttpRequest) -> bool:
    """Whether passwords can be read on the way: bound beyond this machine, over plain http."""
    return not settings.CONFIG.is_on_loopback and not settings.HTTPS and not request.is_secure()


def _administers(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and user.has_perm("auth.change_user")
