"""How programs reach a server, and the jump to Open WebUI."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit_app.api.base import PanelViewSet
from models_app.api.connection_serializers import ConnectionSerializer, JumpSerializer
from models_app.connection.situations import SITUATIONS, Place
from models_app.connection.wishes import host_of, wishes_of
from models_app.services import connection, open_webui

PARAMETERS = [
    OpenApiParameter("place", enum=Place.values, description="Where the programs run."),
    OpenApiParameter("for", enum=SITUATIONS, description="This situation alone."),
    OpenApiParameter("model", str, description="The model that the texts name."),
    OpenApiParameter("try", bool, description="Ask each URL now; a few seconds in all."),
]


class ConnectionActions(PanelViewSet):
    """Actions on one server."""

    permissions = {"connection_info": connection.VIEW, "open_webui": open_webui.VIEW}
    query_parameters = {"connection_info": [parameter.name for parameter in PARAMETERS]}

    @extend_schema(parameters=PARAMETERS, responses=ConnectionSerializer)
    @action(detail=True, methods=["get"], url_path="connection-info")
    def connection_info(self, request: Request, pk: int) -> Response:
        """The URL that works from each situation, and what to paste there.

        Secrets are never told: the texts name the variables that hold them.
        """
        wishes = wishes_of(request.query_params)
        server = self.get_object()
        info = connection.connection_info(
            actor=self.actor, server=server, asked_as=host_of(request), **wishes
        )
        return Response(ConnectionSerializer(info).data)

    @extend_schema(responses=JumpSerializer)
    @action(detail=True, methods=["get"], url_path="open-webui")
    def open_webui(self, request: Request, pk: int) -> Response:
        """Look for Open WebUI at the address that is set for the server, else at the usual ones."""
        jump = open_webui.open_webui_of(
            actor=self.actor, server=self.get_object(), asked_as=host_of(request)
        )
        return Response(JumpSerializer(jump).data)
