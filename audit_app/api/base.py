"""The base of the view sets of all apps."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response
from rest_framework.status import HTTP_202_ACCEPTED

from audit_app.actors import Actor
from audit_app.api.idempotency import IdempotentView
from audit_app.choices import Origin
from ollamactl.lib.api.views import StrictViewSet


class PanelViewSet(IdempotentView, StrictViewSet):
    """Strict input, declared permissions, remembered answers; knows who acts."""

    @property
    def actor(self) -> Actor:
        """Who asks, for the services."""
        return Actor.from_request(self.request, Origin.API)

    def accepted(self, **parts: Any) -> Response:
        """202: the work has been queued."""
        return Response(parts, status=HTTP_202_ACCEPTED)
