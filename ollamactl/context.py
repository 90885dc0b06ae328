"""What every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def panel(request: HttpRequest) -> dict[str, Any]:
    """Facts about this panel, for its shell."""
    return {
        "csrf_cookie_name": settings.CSRF_COOKIE_NAME,
        "insecure_http": not settings.CONFIG.is_on_loopback
        and not settings.HTTPS
        and not request.is_secure(),
    }
