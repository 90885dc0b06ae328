"""The shapes of servers."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_app.choices import AuthKind, OnConflict, ServerKind, ServerStatus
from models_app.host_models import FolderProblem
from models_app.host_reports import report_with
from models_app.models import OllamaServer
from models_app.resources.gpus import GpuProblem, GpuState
from models_app.resources.origin import host_facts
from models_app.services.servers import LIMITS, MOST_DOWNLOADS
from ollamactl.lib.api.serializers import Size, StrictSerializer, Text


class LimitsSerializer(StrictSerializer):
    """`max_downloads` at once, bytes to keep free on the disk and in memory; null is the panel's
    default (`settings/`)."""

    max_downloads = serializers.IntegerField(
        min_value=1, max_value=MOST_DOWNLOADS, allow_null=True, required=False
    )
    keep_free_disk = Size(allow_null=True, required=False)
    keep_free_memory = Size(allow_null=True, required=False)


class BytesSerializer(serializers.Serializer[Any]):
    """Bytes; null is not known."""

    free = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)


class HostGpuSerializer(BytesSerializer):
    """One GPU, or one MIG part, with its memory in bytes, percent, degrees Celsius and watts; null
    is what it does not say. `state`: why its memory is not known; `shared` is the machine's own."""

    name = serializers.CharField()
    utilization = serializers.IntegerField(allow_null=True)
    temperature = serializers.IntegerField(allow_null=True)
    power = serializers.FloatField(allow_null=True)
    state = serializers.ChoiceField(GpuState.choices, allow_blank=True)


class HostSerializer(serializers.Serializer[Any]):
    """The server's machine as the worker on it sees it (`ollamactl worker --host-of`).

    Once the worker is silent, `is_fresh` is false and figures are null. `gpus` is null where nobody
    knows them, for the reason in `gpu_problem`, and empty where there is no NVIDIA GPU. `problem`:
    why the disk is not known. `worker`: the process that reports; `rival`: the host and process of
    a second one that overwrites its reports, else empty.
    """

    name = serializers.CharField()
    worker = serializers.CharField(allow_blank=True)
    rival = serializers.CharField(allow_blank=True)
    seen_at = serializers.DateTimeField()
    age_seconds = serializers.FloatField()
    is_fresh = serializers.BooleanField()
    disk = BytesSerializer()
    memory = BytesSerializer()
    gpus = HostGpuSerializer(many=True, allow_null=True)
    gpu_problem = serializers.ChoiceField(GpuProblem.choices, allow_blank=True)
    problem = serializers.ChoiceField(FolderProblem.choices, allow_blank=True)
    detail = serializers.CharField(allow_blank=True)


class ServerSerializer(serializers.ModelSerializer[OllamaServer]):
    """A server. Its credentials and its own CA can be written, never read."""

    kind = serializers.ChoiceField(ServerKind.choices, read_only=True)
    status = serializers.ChoiceField(ServerStatus.choices, read_only=True)
    auth_kind = serializers.ChoiceField(AuthKind.choices, read_only=True)
    limits = serializers.SerializerMethodField()
    host = serializers.SerializerMethodField()
    simulated = serializers.BooleanField(source="is_simulated", read_only=True)
    has_ca = serializers.SerializerMethodField()

    class Meta:
        model = OllamaServer
        fields = [
            "id",
            "name",
            "base_url",
            "kind",
            "status",
            "reason",
            "message",
            "version",
            "simulated",
            "latency_ms",
            "last_seen_at",
            "checked_at",
            "synced_at",
            "auth_kind",
            "has_ca",
            "limits",
            "host",
            "open_webui_url",
            "on_conflict",
            "created_at",
        ]
        read_only_fields = fields

    @extend_schema_field(LimitsSerializer)
    def get_limits(self, server: OllamaServer) -> Any:
        return {name: getattr(server, name) for name in LIMITS}

    @extend_schema_field(HostSerializer(allow_null=True))
    def get_host(self, server: OllamaServer) -> Any:
        report = report_with(server)
        return HostSerializer(host_facts(report)).data if report else None

    def get_has_ca(self, server: OllamaServer) -> bool:
        return bool(server.ca_pem)


class CredentialsSerializer(StrictSerializer):
    """bearer: `token`; basic: `username` and `password`; header: `name` and `value`."""

    token = Text(required=False, max_length=4000, trim_whitespace=False)
    username = Text(required=False, max_length=500, trim_whitespace=False)
    password = Text(required=False, max_length=4000, trim_whitespace=False)
    name = Text(required=False, max_length=200)
    value = Text(required=False, max_length=4000, trim_whitespace=False)


class ServerInputSerializer(StrictSerializer):
    """What can be written of a server."""

    name = Text(max_length=100)
    base_url = Text(max_length=500)
    auth_kind = serializers.ChoiceField(AuthKind.choices, required=False)
    credentials = CredentialsSerializer(required=False, allow_null=True)
    ca_pem = Text(required=False, allow_blank=True, max_length=100_000)
    open_webui_url = Text(required=False, allow_blank=True, max_length=500)
    on_conflict = serializers.ChoiceField(OnConflict.choices, required=False)
    limits = LimitsSerializer(required=False)

    def as_fields(self) -> dict[str, Any]:
        """The fields for the service. Credentials alone tell which kind they are."""
        fields = dict(self.validated_data)
        fields.update(fields.pop("limits", {}))
        credentials = fields.get("credentials")
        if credentials and "auth_kind" not in fields:
            fields["auth_kind"] = _kind_of(credentials)
        return fields


def _kind_of(credentials: dict[str, str]) -> AuthKind:
    for kind, names in (
        (AuthKind.BEARER, {"token"}),
        (AuthKind.BASIC, {"username", "password"}),
        (AuthKind.HEADER, {"name", "value"}),
    ):
        if credentials.keys() == names:
            return kind
    raise serializers.ValidationError(
        {
            "credentials": [
                _("Give a token, or username and password, or name and value of a header.")
            ]
        }
    )


class SyncInputSerializer(StrictSerializer):
    """Who is right where the panel and the server differ; else the server's own setting holds."""

    on_conflict = serializers.ChoiceField(OnConflict.choices, required=False)
