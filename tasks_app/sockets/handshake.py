"""The request that opened a socket: its headers as Django reads them, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, parse_cookie

from audit_app.proxies import SCHEME, keep_trusted_words

Scope = Mapping[str, Any]
Origin = tuple[str, str, int]

DEFAULT_PORTS = {"http": 80, "https": 443}


def request_of(scope: Scope) -> HttpRequest:
    """A request with the cookies and headers of the socket's handshake, and no body."""
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = str(scope.get("path", ""))
    for name, value in scope.get("headers", []):
        if b"_" in name:  # it would pass for another one that is written with a hyphen
            continue
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        request.META.setdefault(key, value.decode("latin-1"))
    client = scope.get("client")
    request.META["REMOTE_ADDR"] = str(client[0]) if client else ""
    keep_trusted_words(request.META)
    request.COOKIES = parse_cookie(request.META.get("HTTP_COOKIE", ""))
    return request


def is_same_origin(scope: Scope, request: HttpRequest) -> bool:
    """Whether the page that opened the socket is one of the panel's own.

    Its `Origin` must equal scheme, host and port of the request, or the panel's public URL.
    """
    origin = parse_origin(request.META.get("HTTP_ORIGIN", ""))
    return origin is not None and origin in _own_origins(scope, request)


def parse_origin(text: str) -> Origin | None:
    """Scheme, host (lower case) and port of an origin or URL; None for "null" and other text."""
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.hostname is None or port is None or parts.scheme not in DEFAULT_PORTS:
        return None
    return parts.scheme, parts.hostname, port


def _own_origins(scope: Scope, request: HttpRequest) -> set[Origin | None]:
    own = {parse_origin(url) for url in settings.CSRF_TRUSTED_ORIGINS}
    with suppress(DisallowedHost):
        own.add(parse_origin(f"{_scheme(scope, request)}://{request.get_host()}"))
    return own


def _scheme(scope: Scope, request: HttpRequest) -> str:
    """http or https, as the client sees it: a trusted proxy's word counts, nobody else's."""
    if scope.get("scheme") in ("wss", "https"):
        return "https"
    return "https" if request.META.get(SCHEME) == "https" else "http"
