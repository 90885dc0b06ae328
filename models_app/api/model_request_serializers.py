"""What is asked of models."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_app.api.server_serializers import SyncInputSerializer
from models_app.models import OllamaServer
from models_app.services import benchmarks
from models_app.services.recreating import LONGEST_TEXT
from models_app.services.starting import LEAST_CONTEXT, MOST_CONTEXT
from ollamactl.lib.api.serializers import StrictSerializer, Text


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

    context_length = serializers.IntegerField(
        required=False, min_value=LEAST_CONTEXT, max_value=MOST_CONTEXT
    )


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
    num_ctx = serializers.IntegerField(
        required=False, min_value=LEAST_CONTEXT, max_value=MOST_CONTEXT
    )


class StopSerializer(StrictSerializer):
    """`force` ends the requests that the model is answering; on the panel's own machine alone."""

    force = serializers.BooleanField(required=False)


class RecreateSerializer(StrictSerializer):
    """What shall be different; what is left out stays as it is. With nothing: pulled again.

    `parameters` are Ollama's own, such as `{"temperature": 0.7, "stop": ["<end>"]}`.
    """

    parameters = serializers.DictField(required=False, allow_empty=True)
    system = Text(required=False, allow_blank=True, trim_whitespace=False, max_length=LONGEST_TEXT)
    template = Text(
        required=False, allow_blank=True, trim_whitespace=False, max_length=LONGEST_TEXT
    )


class NewNameSerializer(StrictSerializer):
    """The name that a copy shall have, or the model itself from now on."""

    name = Text(max_length=700)


class SyncAllSerializer(SyncInputSerializer):
    """Without a server: all of them."""

    server = ServerRelation()


def _only_server() -> OllamaServer:
    servers: list[OllamaServer] = list(OllamaServer.objects.order_by("pk")[:2])
    if len(servers) != 1:
        sentence = _("Say on which server.") if servers else _("There is no server. Add one first.")
        raise serializers.ValidationError({"server": [sentence]}, code="required")
    return servers[0]
