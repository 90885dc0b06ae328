"""The shapes of models."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_app.api.preflight_serializers import PreflightSerializer
from models_app.api.usage_serializers import PerformanceSerializer, UsageSerializer
from models_app.chat.usage import measured_answers, usage_of
from models_app.choices import ModelStatus, Source
from models_app.events import live_status
from models_app.models import OllamaModel, OllamaServer
from models_app.services import benchmarks
from models_app.services.details import describe_model
from models_app.services.freeing import freed_by_deletion
from ollamactl.lib.moments import moment_as_text, moment_or_null
from tasks_app.api.serializers import TaskSerializer
from tasks_app.presentation import task_in_api


class LoadedSerializer(serializers.Serializer[Any]):
    """A model in memory: bytes, `100% GPU` as `ollama ps` says it, tokens, null for ever."""

    size = serializers.IntegerField(allow_null=True)
    size_vram = serializers.IntegerField(allow_null=True)
    processor = serializers.CharField()
    context_length = serializers.IntegerField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class ModelSerializer(serializers.ModelSerializer[OllamaModel]):
    """A model on a server. The rows must come from `for_display`."""

    # The fields are declared for the schema; `to_representation` writes them all at once, since a
    # list of models costs twice as much one by one.

    server = serializers.PrimaryKeyRelatedField[OllamaServer](read_only=True)
    server_name = serializers.CharField(source="server.name", read_only=True)
    status = serializers.ChoiceField(ModelStatus.choices, read_only=True)
    log_file_exist = serializers.BooleanField(read_only=True)
    digest = serializers.CharField(read_only=True, allow_null=True)
    family = serializers.CharField(read_only=True, allow_null=True)
    parameter_size = serializers.CharField(read_only=True, allow_null=True)
    quantization = serializers.CharField(read_only=True, allow_null=True)
    loaded = LoadedSerializer(read_only=True, allow_null=True)
    task = TaskSerializer(source="last_task", read_only=True, allow_null=True)

    class Meta:
        model = OllamaModel
        fields = [
            "id",
            "name",
            "server",
            "server_name",
            "size",
            "from",
            "status",
            "message",
            "log_file_exist",
            "created_at",
            "modified_at",
            "digest",
            "family",
            "parameter_size",
            "quantization",
            "context_length",
            "loaded",
            "pinned",
            "outdated",
            "last_used_at",
            "task",
        ]
        read_only_fields = fields

    def build_field(self, field_name: str, *args: Any) -> Any:
        """`from` is a keyword of Python's and cannot be declared above."""
        if field_name == "from":
            return serializers.ChoiceField, {
                "choices": Source.choices,
                "source": "source",
                "read_only": True,
            }
        return super().build_field(field_name, *args)

    def to_representation(self, instance: OllamaModel) -> dict[str, Any]:
        task = task_in_api(instance.last_task) if instance.last_task else None
        return {
            "id": instance.pk,
            "name": instance.name,
            "server": instance.server_id,
            "server_name": instance.server.name,
            "size": instance.size,
            "from": instance.source,
            "status": live_status(instance),
            "message": str(instance.message),
            "log_file_exist": bool(task and task["log_file_exist"]),
            "created_at": moment_or_null(instance.created_at),
            "modified_at": moment_or_null(instance.modified_at),
            "digest": instance.digest or None,  # null until known, as the next ones are
            "family": instance.family or None,
            "parameter_size": instance.parameter_size or None,
            "quantization": instance.quantization or None,
            "context_length": instance.context_length,
            "loaded": _loaded(instance.loaded),
            "pinned": instance.pinned,
            "outdated": instance.outdated,
            "last_used_at": moment_or_null(instance.last_used_at),
            "task": task,
        }


class DetailsSerializer(serializers.Serializer[Any]):
    """What the server says of the model when it is asked now."""

    format = serializers.CharField()
    family = serializers.CharField()
    families = serializers.ListField(child=serializers.CharField())
    parameter_size = serializers.CharField()
    parameter_count = serializers.IntegerField(allow_null=True)
    quantization = serializers.CharField()
    context_length = serializers.IntegerField(allow_null=True)
    capabilities = serializers.ListField(child=serializers.CharField())
    parameters = serializers.CharField()
    template = serializers.CharField()
    system = serializers.CharField()
    license = serializers.CharField()
    model_info = serializers.DictField()
    tensors = serializers.DictField(child=serializers.IntegerField())


class FreesSerializer(serializers.Serializer[Any]):
    """Bytes; not `exact`: at most so many, as layers that other models share stay."""

    bytes = serializers.IntegerField()
    exact = serializers.BooleanField()


class ModelDetailSerializer(ModelSerializer):
    """A model with what its server says of it now; `details` is null when it does not answer.

    `frees`: the bytes that its deletion gives back, `exact` where the panel can read the layers.
    """

    details = serializers.SerializerMethodField()
    frees = serializers.SerializerMethodField()
    performance = serializers.SerializerMethodField()
    usage = serializers.SerializerMethodField()

    class Meta(ModelSerializer.Meta):
        fields = [*ModelSerializer.Meta.fields, "details", "frees", "performance", "usage"]
        read_only_fields = fields

    def to_representation(self, instance: OllamaModel) -> dict[str, Any]:
        details = self.get_details(instance)  # first: it can say what the row does not know yet
        return {
            **super().to_representation(instance),
            "details": details,
            "frees": self.get_frees(instance),
            "performance": self.get_performance(instance),
            "usage": self.get_usage(instance),
        }

    @extend_schema_field(DetailsSerializer(allow_null=True))
    def get_details(self, model: OllamaModel) -> Any:
        return describe_model(model)

    @extend_schema_field(FreesSerializer(allow_null=True))
    def get_frees(self, model: OllamaModel) -> Any:
        found = freed_by_deletion(model)
        return {"bytes": found.bytes, "exact": found.exact} if found else None

    @extend_schema_field(PerformanceSerializer(allow_null=True))
    def get_performance(self, model: OllamaModel) -> Any:
        known = benchmarks.performance_of(model)
        return PerformanceSerializer(known).data if known else None

    @extend_schema_field(UsageSerializer)
    def get_usage(self, model: OllamaModel) -> Any:
        usage = usage_of(model, seen_by=self.context["request"].user)
        known = {**vars(usage), "answers": measured_answers(model)}
        return UsageSerializer(known).data


class ChangedModelSerializer(serializers.Serializer[Any]):
    """202: the model as it is now."""

    model = ModelSerializer()


class AcceptedModelSerializer(serializers.Serializer[Any]):
    """202: the work is queued; `model` is what it makes or changes."""

    model = ModelSerializer()
    task = TaskSerializer()


class AcceptedPullSerializer(serializers.Serializer[Any]):
    """202: the pull is queued."""

    model = ModelSerializer()
    task = TaskSerializer()
    preflight = PreflightSerializer()


def _loaded(loaded: dict[str, Any] | None) -> dict[str, Any] | None:
    if not loaded:
        return None
    return {"context_length": None, **loaded, "expires_at": _in_utc(loaded.get("expires_at"))}


def _in_utc(text: Any) -> str | None:
    if not text:
        return None
    return moment_as_text(datetime.fromisoformat(str(text)))
