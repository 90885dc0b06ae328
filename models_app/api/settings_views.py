"""The panel's settings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit_app.actors import Actor
from audit_app.choices import Origin
from models_app.choices import RetryOn
from models_app.models import PanelSettings
from models_app.services.panel_settings import CHANGE, VIEW, update_settings
from ollamactl.lib.api.serializers import Size, StrictSerializer
from ollamactl.lib.api.views import StrictView


class SettingsSerializer(StrictSerializer):
    """What holds for servers without a value of their own: bytes and seconds.

    `downloads_overall`: null is no limit beside those of the servers. `retry_on`: after which
    failures a download is tried again; each pause is twice the one before.
    """

    downloads_per_server = serializers.IntegerField(min_value=1, max_value=1000)
    downloads_overall = serializers.IntegerField(min_value=1, max_value=10_000, allow_null=True)
    downloads_held = serializers.BooleanField(read_only=True)
    keep_free_disk = Size()
    keep_free_memory = Size()
    retry_on = serializers.ListField(
        child=serializers.ChoiceField(RetryOn.choices), max_length=len(RetryOn)
    )
    retry_attempts = serializers.IntegerField(min_value=1, max_value=100)
    retry_backoff = serializers.IntegerField(min_value=1, max_value=3600)
    retry_longest = serializers.IntegerField(min_value=1, max_value=86_400)


class SettingsView(StrictView):
    """The settings that people change while the panel runs."""

    permissions = {"get": VIEW, "patch": CHANGE}

    @extend_schema(operation_id="settings_retrieve", responses=SettingsSerializer)
    def get(self, request: Request) -> Response:
        """The settings that hold now."""
        return _answer(PanelSettings.objects.current())

    @extend_schema(
        operation_id="settings_partial_update",
        request=SettingsSerializer,
        responses=SettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change some of them."""
        given = SettingsSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        actor = Actor.from_request(request, Origin.API)
        fields: dict[str, Any] = given.validated_data
        return _answer(update_settings(actor=actor, **fields))


def _answer(panel: PanelSettings) -> Response:
    return Response(SettingsSerializer(panel).data)
