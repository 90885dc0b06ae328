"""What proxies say of a request: believed where the peer is one that the settings name.

`SECURE_PROXY_SSL_HEADER` believes a header from whoever sends it, so a stranger who reaches the
panel past its proxy could pass plain http off as https. Here the headers of strangers are dropped
before anything reads them.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from audit_app.actors import is_trusted_proxy

SCHEME = "HTTP_X_FORWARDED_PROTO"


class TrustedProxiesMiddleware:
    """Keeps `X-Forwarded-*` and `Forwarded` of trusted proxies alone. The first of all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        keep_trusted_words(request.META)
        return self.get_response(request)


def keep_trusted_words(meta: MutableMapping[str, Any]) -> None:
    """Drop from a request's META what a stranger says in a proxy's name.

    Of a trusted proxy, the scheme becomes its own word alone: the last one of a list, as those
    before it may come from the client.
    """
    if is_trusted_proxy(str(meta.get("REMOTE_ADDR", ""))):
        if SCHEME in meta:
            meta[SCHEME] = str(meta[SCHEME]).rpartition(",")[2].strip().lower()
        return
    for name in [*meta]:
        if name.startswith("HTTP_X_FORWARDED_") or name == "HTTP_FORWARDED":
            del meta[name]
