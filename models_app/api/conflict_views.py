"""What the panel and the servers say differently, and settling it."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit_app.api.base import PanelViewSet
from models_app.conflict_models import ConflictKind, ConflictState, Settlement, SyncConflict
from models_app.services import conflicts, servers
from ollamactl.lib.api.serializers import StrictSerializer
from ollamactl.lib.filters import AskedFilterSet, ChoicesFilter, NumbersFilter, OrderFilter
from tasks_app.api.serializers import TaskSerializer


class ConflictFilter(AskedFilterSet):
    """One filter for each thing that a conflict shows."""

    search = django_filters.CharFilter(
        field_name="name", lookup_expr="icontains", max_length=200, label=_("Model")
    )
    server = NumbersFilter(label=_("Server"))
    kind = ChoicesFilter(ConflictKind.choices)
    state = ChoicesFilter(ConflictState.choices)
    ordering = OrderFilter(fields={name: name for name in ("name", "found_at", "kind")})

    class Meta:
        model = SyncConflict
        fields: list[str] = []


class SideSerializer(serializers.Serializer[Any]):
    """What one side has; `names` are other names of the same content."""

    digest = serializers.CharField(required=False)
    size = serializers.IntegerField(required=False, allow_null=True)
    modified_at = serializers.CharField(required=False, allow_null=True)
    names = serializers.ListField(child=serializers.CharField(), required=False)


class ConflictSerializer(serializers.ModelSerializer[SyncConflict]):
    """One model on which the two sides differ; a side is null where it has no such model."""

    server = serializers.IntegerField(source="server_id", read_only=True)
    server_name = serializers.CharField(source="server.name", read_only=True)
    model = serializers.IntegerField(source="model_id", read_only=True, allow_null=True)
    kind = serializers.ChoiceField(ConflictKind.choices, read_only=True)
    state = serializers.ChoiceField(ConflictState.choices, read_only=True)
    how = serializers.ChoiceField(Settlement.choices, read_only=True)
    panel = SideSerializer(source="panel_side", read_only=True, allow_null=True)
    server_has = SideSerializer(source="server_side", read_only=True, allow_null=True)
    task = serializers.IntegerField(source="task_id", read_only=True, allow_null=True)

    class Meta:
        model = SyncConflict
        fields = [
            "id",
            "server",
            "server_name",
            "model",
            "name",
            "kind",
            "panel",
            "server_has",
            "state",
            "how",
            "task",
            "found_at",
            "settled_at",
        ]
        read_only_fields = fields


class SettleSerializer(StrictSerializer):
    """`server`: take its side; `panel`: pull again, or delete what somebody else has brought;
    `ignore`: leave both as they are."""

    how = serializers.ChoiceField(conflicts.WAYS)


class SettledSerializer(serializers.Serializer[Any]):
    """The conflict as it is now, and the task that does what is left to do."""

    conflict = ConflictSerializer()
    task = TaskSerializer(allow_null=True)


class ConflictViewSet(PanelViewSet):
    """The conflicts that syncs have found, settled ones too."""

    queryset = SyncConflict.objects.order_by("-found_at", "-pk")
    serializer_class = ConflictSerializer
    filterset_class = ConflictFilter
    permissions = {
        "list": "models_app.view_ollamaserver",
        "retrieve": "models_app.view_ollamaserver",
        "settle": servers.SYNC,
    }

    def get_queryset(self) -> QuerySet[SyncConflict]:
        rows = SyncConflict.objects.select_related("server", "model")
        return rows.order_by("-found_at", "-pk")

    @extend_schema(request=SettleSerializer, responses={202: SettledSerializer})
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: int) -> Response:
        """Settle one conflict; 409 `settled` where somebody has done so already."""
        given = SettleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        conflict = self.get_object()
        task = conflicts.settle_conflict(
            actor=self.actor, conflict=conflict, how=given.validated_data["how"]
        )
        conflict.refresh_from_db()
        return self.accepted(
            conflict=self.get_serializer(conflict).data,
            task=TaskSerializer(task).data if task else None,
        )
