"""The queue of downloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit_app.api.base import PanelViewSet
from models_app import rates
from models_app.models import PanelSettings
from models_app.services import downloads
from tasks_app.api.serializers import TaskSerializer
from tasks_app.models import Task
from tasks_app.services import CANCEL, RETRY

VIEW = "tasks_app.view_task"


class WaitingSerializer(serializers.Serializer[Any]):
    """Why a download waits: `held`, `backoff`, `server_limit`, `overall_limit` or `next`."""

    code = serializers.CharField()
    detail = serializers.CharField()


class DownloadSerializer(TaskSerializer):
    """A download that has not ended. `position` in the queue counts from 1."""

    server = serializers.SerializerMethodField()
    server_name = serializers.SerializerMethodField()
    position = serializers.SerializerMethodField()
    waits = serializers.SerializerMethodField()

    class Meta(TaskSerializer.Meta):
        fields = [*TaskSerializer.Meta.fields, "server", "server_name", "position", "waits"]
        read_only_fields = fields

    def to_representation(self, instance: Task) -> dict[str, Any]:
        return {
            **super().to_representation(instance),
            "server": self.get_server(instance),
            "server_name": self.get_server_name(instance),
            "position": self.get_position(instance),
            "waits": self.get_waits(instance),
        }

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_server(self, task: Task) -> Any:
        server = self._known(task).server
        return server.pk if server else None

    @extend_schema_field({"type": "string", "nullable": True})
    def get_server_name(self, task: Task) -> Any:
        server = self._known(task).server
        return server.name if server else None

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_position(self, task: Task) -> Any:
        return self._known(task).position

    @extend_schema_field(WaitingSerializer(allow_null=True))
    def get_waits(self, task: Task) -> Any:
        waits = self._known(task).waits
        return {"code": waits.code, "detail": str(waits.detail)} if waits else None

    def _known(self, task: Task) -> downloads.Download:
        known: downloads.Download = self.context["known"][task.pk]
        return known


class SampleSerializer(serializers.Serializer[Any]):
    """Bytes a second at a moment (seconds since the epoch)."""

    at = serializers.IntegerField()
    rate = serializers.IntegerField()


class ResumedSerializer(serializers.Serializer[Any]):
    """A download that went on after its worker had ended."""

    task = serializers.IntegerField(source="pk")
    name = serializers.CharField(source="resource_name")
    resumed_at = serializers.DateTimeField()


class QueueStateSerializer(serializers.Serializer[Any]):
    """The queue as a whole; `history` of the last ten minutes, the oldest first."""

    held = serializers.BooleanField()
    running = serializers.IntegerField()
    waiting = serializers.IntegerField()
    paused = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    limit_per_server = serializers.IntegerField()
    rate = serializers.IntegerField()
    history = SampleSerializer(many=True)
    resumed = ResumedSerializer(many=True)


class PausedSerializer(serializers.Serializer[Any]):
    """202: how many were told to pause."""

    paused = serializers.IntegerField()


class ResumedCountSerializer(serializers.Serializer[Any]):
    """202: how many are back in the queue, and how many are still paused."""

    resumed = serializers.IntegerField()
    left = serializers.IntegerField()


class DownloadViewSet(PanelViewSet):
    """What is downloaded and what waits, in the order in which it begins."""

    queryset = Task.objects.none()
    serializer_class = DownloadSerializer
    permissions = {"list": VIEW, "retrieve": VIEW, "state": VIEW, "pause": CANCEL, "resume": RETRY}

    def get_queryset(self) -> QuerySet[Task]:
        return downloads.all_downloads()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Those that run, those that wait with their reasons, and the paused ones."""
        page = self.paginate_queryset(self.get_queryset()) or []
        rows = DownloadSerializer(page, many=True, context=self._known(page))
        return self.get_paginated_response(rows.data)

    def retrieve(self, request: Request, pk: int, *args: Any, **kwargs: Any) -> Response:
        """One of them, with its place in the queue."""
        task = self.get_object()
        return Response(DownloadSerializer(task, context=self._known([task])).data)

    @extend_schema(responses=QueueStateSerializer)
    @action(detail=False, methods=["get"])
    def state(self, request: Request) -> Response:
        """How many there are, the limits, and the rate over the last minutes."""
        panel, counts = PanelSettings.objects.current(), downloads.counts()
        state = {
            "held": panel.downloads_held,
            "running": counts.running,
            "waiting": counts.waiting,
            "paused": counts.paused,
            "limit": panel.downloads_overall,
            "limit_per_server": panel.downloads_per_server,
            "rate": rates.rate_now(),
            "history": rates.samples(),
            "resumed": downloads.resumed_after_restart(),
        }
        return Response(QueueStateSerializer(state).data)

    @extend_schema(request=None, responses={202: PausedSerializer})
    @action(detail=False, methods=["post"])
    def pause(self, request: Request) -> Response:
        """Pause all downloads; nothing new begins until they are resumed."""
        self.refuse_body()
        return self.accepted(paused=downloads.hold_downloads(actor=self.actor))

    @extend_schema(request=None, responses={202: ResumedCountSerializer})
    @action(detail=False, methods=["post"])
    def resume(self, request: Request) -> Response:
        """Let all downloads go on, paused ones from where they were."""
        self.refuse_body()
        resumed, left = downloads.let_downloads_go_on(actor=self.actor)
        return self.accepted(resumed=resumed, left=left)

    def _known(self, shown: Sequence[Task]) -> dict[str, Any]:
        known = {found.task.pk: found for found in downloads.look_at(shown)}
        return {**self.get_serializer_context(), "known": known}
