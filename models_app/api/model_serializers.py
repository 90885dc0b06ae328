"""The shapes of models and of the check before a download."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_app.api.serializers import SyncInputSerializer
from models_app.chat.usage import measured_answers, usage_of
from models_app.choices import ModelStatus, Source
from models_app.events import live_status
from models_app.models import Benchmark, ModelUse, OllamaModel, OllamaServer
from models_app.services import benchmarks
from models_app.services.details import describe_model
from models_app.services.freeing import freed_by_deletion
from ollamactl.lib.api.serializers import StrictSerializer, Text
from tasks_app.api.serializers import TaskSerializer
from tasks_app.logs import log_file_exist

STATES = ["ok", "warn", "block", "unknown"]


class LoadedSerializer(serializers.Serializer[Any]):
    """A model in memory: bytes, `100% GPU` as `ollama ps` says it, tokens, null for ever."""

    size = serializers.IntegerField(allow_null=True)
    size_vram = serializers.IntegerField(allow_null=True)
    processor = serializers.CharField()
    context_length = serializers.IntegerField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class ModelSerializer(serializers.ModelSerializer[OllamaModel]):
    """A model on a server. The rows must come from `for_display`."""

    server = serializers.PrimaryKeyRelatedField[OllamaServer](read_only=True)
    server_name = serializers.CharField(source="server.name", read_only=True)
    status = serializers.SerializerMethodField()
    log_file_exist = serializers.SerializerMethodField()
    digest = serializers.CharField(read_only=True, allow_null=True)
    family = serializers.CharField(read_only=True, allow_null=True)
    parameter_size = serializers.CharField(read_only=True, allow_null=True)
    quantization = serializers.CharField(read_only=True, allow_null=True)
    loaded = serializers.SerializerMethodField()
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

    @extend_schema_field(serializers.ChoiceField(ModelStatus.choices))
    def get_status(self, model: OllamaModel) -> str:
        return live_status(model)

    def get_log_file_exist(self, model: OllamaModel) -> bool:
        return model.last_task is not None and log_file_exist(model.last_task)

    @extend_schema_field(LoadedSerializer(allow_null=True))
    def get_loaded(self, model: OllamaModel) -> Any:
        if not model.loaded:
            return None
        return {
            "context_length": None,
            **model.loaded,
            "expires_at": _in_utc(model.loaded.get("expires_at")),
        }

    def to_representation(self, instance: OllamaModel) -> dict[str, Any]:
        data = super().to_representation(instance)
        for name in ("digest", "family", "parameter_size", "quantization"):
            data[name] = data[name] or None  # null until known
        return data


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


class BenchmarkSerializer(serializers.ModelSerializer[Benchmark]):
    """One benchmark: seconds, and tokens a second; null where it was not measured."""

    class Meta:
        model = Benchmark
        fields = [
            "id",
            "created_at",
            "load_seconds",
            "first_token_seconds",
            "prompt_rate",
            "token_rate",
            "tokens",
            "context_length",
            "processor",
            "digest",
            "server_version",
        ]
        read_only_fields = fields


class PerformanceSerializer(serializers.Serializer[Any]):
    """The last figures, and the newest benchmarks, the newest first."""

    load_seconds = serializers.FloatField(allow_null=True)
    first_token_seconds = serializers.FloatField(source="last.first_token_seconds")
    token_rate = serializers.FloatField(source="last.token_rate")
    measured_at = serializers.DateTimeField(source="last.created_at")
    runs = BenchmarkSerializer(many=True)


class UsedSerializer(serializers.Serializer[Any]):
    """One user's share; an empty name: users who are gone."""

    user = serializers.CharField(allow_blank=True)
    requests = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    tokens = serializers.IntegerField()


class AnswerFiguresSerializer(serializers.ModelSerializer[ModelUse]):
    """How fast one answer in a chat was: seconds, tokens a second; null where it is not known."""

    class Meta:
        model = ModelUse
        fields = [
            "created_at",
            "prompt_tokens",
            "tokens",
            "load_seconds",
            "first_token_seconds",
            "token_rate",
        ]
        read_only_fields = fields


class UsageSerializer(serializers.Serializer[Any]):
    """Requests and tokens in chats. `by`: who asked most; without the right to see users, oneself.

    `answers`: the newest whose speed is known, the newest first.
    """

    requests = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    tokens = serializers.IntegerField()
    first_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    by = UsedSerializer(many=True)
    answers = AnswerFiguresSerializer(many=True)


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


class BenchmarkRequestSerializer(StrictSerializer):
    """`tokens`: how long the answer may be."""

    tokens = serializers.IntegerField(
        required=False, min_value=benchmarks.LEAST_TOKENS, max_value=benchmarks.MOST_TOKENS
    )


class ServerRelation(serializers.PrimaryKeyRelatedField[OllamaServer]):
    """A server by its id; where there is only one it may be left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=OllamaServer.objects.all(), required=False, **kwargs)

    def to_internal_value(self, data: Any) -> OllamaServer:
        if not isinstance(data, int):
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)  # type: ignore[arg-type]  # an id, not yet a row


class WantedModelSerializer(StrictSerializer):
    """A model by its name, and where it should be."""

    name = Text(max_length=700)
    server = ServerRelation()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "server" not in attrs:
            attrs["server"] = _only_server()
        return attrs


class PreflightRequestSerializer(WantedModelSerializer):
    """`context_length`: tokens with which the model is to run, for the memory that it needs."""

    context_length = serializers.IntegerField(required=False, min_value=4, max_value=100_000_000)


class PullSerializer(WantedModelSerializer):
    """`override` goes on against the resource check; it needs its own permission."""

    override = serializers.BooleanField(default=False)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 32}]})
class KeepAliveField(serializers.Field[int | str, Any, int | str, Any]):
    """Seconds as a number, or text such as `30m`; negative: until the model is stopped."""

    default_error_messages = {
        "invalid": gettext_lazy("Give a number of seconds, or a text such as 30m.")
    }

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, bool) or not isinstance(data, (int, str)) or len(str(data)) > 32:
            self.fail("invalid")
        return data

    def to_representation(self, value: int | str) -> int | str:
        return value


class StartSerializer(StrictSerializer):
    """How long the model stays in memory, and its context in tokens."""

    keep_alive = KeepAliveField(required=False)
    num_ctx = serializers.IntegerField(required=False, min_value=4, max_value=100_000_000)


class StopSerializer(StrictSerializer):
    """`force` ends the requests that the model is answering; on the panel's own machine alone."""

    force = serializers.BooleanField(required=False)


class RecreateSerializer(StrictSerializer):
    """What shall be different; what is left out stays as it is. With nothing: pulled again.

    `parameters` are Ollama's own, such as `{"temperature": 0.7, "stop": ["<end>"]}`.
    """

    parameters = serializers.DictField(required=False, allow_empty=True)
    system = Text(required=False, allow_blank=True, trim_whitespace=False, max_length=50_000)
    template = Text(required=False, allow_blank=True, trim_whitespace=False, max_length=50_000)


class NewNameSerializer(StrictSerializer):
    """The name that a copy shall have, or the model itself from now on."""

    name = Text(max_length=700)


class SyncAllSerializer(SyncInputSerializer):
    """Without a server: all of them."""

    server = ServerRelation()


class DiskSerializer(serializers.Serializer[Any]):
    """Bytes on the disk of the server's models; null is not known."""

    state = serializers.ChoiceField(STATES)
    free = serializers.IntegerField(allow_null=True)
    reserved = serializers.IntegerField(allow_null=True)
    kept = serializers.IntegerField()
    needed = serializers.IntegerField(allow_null=True)
    after = serializers.IntegerField(allow_null=True)


class MemorySerializer(serializers.Serializer[Any]):
    """Bytes of main memory; null is not known. `needed`: by the model, with `context_length`."""

    state = serializers.ChoiceField(STATES)
    free = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    kept = serializers.IntegerField()
    needed = serializers.IntegerField(allow_null=True)
    context_length = serializers.IntegerField()


class GpuDeviceSerializer(serializers.Serializer[Any]):
    """One GPU, with its memory in bytes."""

    name = serializers.CharField()
    free = serializers.IntegerField()
    total = serializers.IntegerField()


class GpuSerializer(serializers.Serializer[Any]):
    """Bytes of all GPUs together; null is not known, and no device is none of NVIDIA's."""

    state = serializers.ChoiceField(STATES)
    free = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    needed = serializers.IntegerField(allow_null=True)
    devices = GpuDeviceSerializer(many=True)


class NetworkSerializer(serializers.Serializer[Any]):
    """Whether the panel reaches the registry, and how soon it answers (ms); `rate` in bytes a
    second of the server's last downloads, and the `seconds` that this one takes at that rate."""

    state = serializers.ChoiceField(STATES)
    latency_ms = serializers.FloatField(allow_null=True)
    rate = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)


class DownloadsSerializer(serializers.Serializer[Any]):
    """Downloads of the server and of all, how many may run at once, and whether they are held."""

    running = serializers.IntegerField()
    limit = serializers.IntegerField()
    overall_running = serializers.IntegerField()
    overall_limit = serializers.IntegerField(allow_null=True)
    held = serializers.BooleanField()


class ReasonSerializer(serializers.Serializer[Any]):
    """One reason of a verdict."""

    code = serializers.CharField()
    detail = serializers.CharField()


class PreflightSerializer(serializers.Serializer[Any]):
    """The check before a download."""

    verdict = serializers.ChoiceField(["ok", "warn", "block"])
    download_bytes = serializers.IntegerField(allow_null=True)
    estimate = serializers.ChoiceField(["manifest", "details", "table", "unknown"])
    disk = DiskSerializer()
    memory = MemorySerializer()
    gpu = GpuSerializer()
    network = NetworkSerializer()
    downloads = DownloadsSerializer()
    reasons = ReasonSerializer(many=True)


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


def _only_server() -> OllamaServer:
    servers: list[OllamaServer] = list(OllamaServer.objects.order_by("pk")[:2])
    if len(servers) != 1:
        sentence = _("Say on which server.") if servers else _("There is no server. Add one first.")
        raise serializers.ValidationError({"server": [sentence]}, code="required")
    return servers[0]


def _in_utc(text: Any) -> str | None:
    if not text:
        return None
    moment = datetime.fromisoformat(str(text)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
