"""Servers."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from models_app.api.connection_views import ConnectionActions
from models_app.api.server_serializers import (
    ServerInputSerializer,
    ServerSerializer,
    SyncInputSerializer,
)
from models_app.filters import OllamaServerFilter
from models_app.models import OllamaServer
from models_app.services import servers
from tasks_app.api.serializers import AcceptedTaskSerializer, TaskSerializer

VIEW = "models_app.view_ollamaserver"


class ServerViewSet(ConnectionActions):
    """The Ollama servers that the panel looks after."""

    queryset = OllamaServer.objects.order_by("name", "pk")
    serializer_class = ServerSerializer
    filterset_class = OllamaServerFilter
    permissions = {
        "list": VIEW,
        "retrieve": VIEW,
        "create": servers.ADD,
        "partial_update": servers.CHANGE,
        "destroy": servers.REMOVE,
        "check": VIEW,
        "sync": servers.SYNC,
        **ConnectionActions.permissions,
    }

    def get_queryset(self) -> QuerySet[OllamaServer]:
        servers = OllamaServer.objects.visible_to(self.request.user)
        return servers.with_host().order_by("name", "pk")

    @extend_schema(request=ServerInputSerializer, responses={201: ServerSerializer})
    def create(self, request: Request) -> Response:
        """Add a server. It is checked at once, and synced when it answers."""
        given = ServerInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        server = servers.add_server(actor=self.actor, **given.as_fields())
        return Response(self.get_serializer(server).data, status=HTTP_201_CREATED)

    @extend_schema(request=ServerInputSerializer, responses=ServerSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change some fields. Credentials that are not given stay."""
        server = self.get_object()
        given = ServerInputSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        server = servers.update_server(actor=self.actor, server=server, **given.as_fields())
        return Response(self.get_serializer(server).data)

    @extend_schema(request=None, responses={204: OpenApiResponse(description="Forgotten")})
    def destroy(self, request: Request, pk: int) -> Response:
        """Forget a server and its models here; nothing is changed on it."""
        servers.remove_server(actor=self.actor, server=self.get_object())
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ServerSerializer)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: int) -> Response:
        """Look at the server now, and answer with its new status."""
        self.refuse_body()
        server = servers.check_server(actor=self.actor, server=self.get_object())
        return Response(self.get_serializer(server).data)

    @extend_schema(request=SyncInputSerializer, responses={202: AcceptedTaskSerializer})
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, pk: int) -> Response:
        """Bring the panel's models in line with the server."""
        given = SyncInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        task = servers.sync_server(
            actor=self.actor, server=self.get_object(), **given.validated_data
        )
        return self.accepted(task=TaskSerializer(task).data)
