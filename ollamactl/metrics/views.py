"""The scrape: who may have the figures, and in which of Prometheus's formats."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from audit_app.actors import is_trusted_proxy
from audit_app.api.authentication import TokenAuthentication
from ollamactl.lib.api.permissions import HasCodename
from ollamactl.lib.api.views import StrictView

PERMISSION = "tasks_app.view_metrics"
OPEN_METRICS = "application/openmetrics-text"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# What a proxy adds: somebody else asks through it.
BY_A_PROXY = (b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip")


class BearerAuthentication(TokenAuthentication):
    """`Authorization: Bearer …`, as scrapers send it unless they are told otherwise."""

    keyword = "Bearer"


class MayScrape(HasCodename):
    """The permission, or a program of this machine where the settings let those in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if settings.METRICS_FROM_LOOPBACK and is_from_this_machine(request):
            return True
        return super().has_permission(request, view)


class OneFormat(BaseContentNegotiation):
    """Errors are JSON whatever the client accepts; a scrape has formats of its own."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class MetricsView(StrictView):
    """`GET /metrics`."""

    authentication_classes = [TokenAuthentication, BearerAuthentication]
    permission_classes: list[type[BasePermission]] = [MayScrape]
    content_negotiation_class = OneFormat
    permissions = {"get": PERMISSION}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """All figures, in the text format or in OpenMetrics, as the client prefers."""
        # Loaded at the first scrape: a panel that nobody scrapes does without.
        from prometheus_client import CollectorRegistry

        from ollamactl.metrics.collecting import PanelCollector

        registry = CollectorRegistry()
        registry.register(PanelCollector())
        encode, content_type = _encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(registry), content_type=content_type)


def _encoder(accept: str) -> tuple[Callable[[Any], bytes], str]:
    from prometheus_client.exposition import choose_encoder

    # Its own reading of the header breaks on a version that is no number.
    is_open = OPEN_METRICS in accept
    return choose_encoder(OPEN_METRICS if is_open else "")


def is_from_this_machine(request: Request) -> bool:
    """Whether a program of this machine asks, as itself: not a proxy in another's name."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    host = request.get_host()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    scope: dict[str, Any] = getattr(request._request, "scope", {})
    headers = {key.lower() for key, _value in scope.get("headers", ())}
    return (
        _is_loopback(peer)
        and not is_trusted_proxy(peer)
        and name in LOOPBACK_NAMES
        and headers.isdisjoint(BY_A_PROXY)
    )


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
