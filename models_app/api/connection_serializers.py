"""The shapes of connection information and of the jump to Open WebUI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_app.choices import AuthKind
from models_app.connection import judging
from models_app.connection.situations import SITUATIONS, Place
from models_app.services.connection import Connection, Way
from models_app.services.open_webui import SOURCES, STATES, Jump


class SnippetSerializer(serializers.Serializer[Any]):
    """A text to paste; its title says where."""

    language = serializers.ChoiceField(["shell", "python", "yaml"])
    title = serializers.CharField()
    text = serializers.CharField()


class WaySerializer(serializers.Serializer[Way]):
    """One situation. `url` is empty where none is known; a variable without a value holds a secret
    that its owner has to fill in."""

    situation = serializers.ChoiceField(SITUATIONS)
    label = serializers.CharField()  # type: ignore[assignment]  # DRF's name too
    place = serializers.ChoiceField(Place.choices)
    url = serializers.CharField(source="judgement.url", allow_blank=True)
    openai_url = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(judging.STATES, source="judgement.state")
    detail = serializers.CharField(source="judgement.detail")
    variables = serializers.DictField(child=serializers.CharField(allow_blank=True))
    snippets = SnippetSerializer(many=True)


class CautionSerializer(serializers.Serializer[Any]):
    """Something to know before connecting."""

    code = serializers.CharField()
    level = serializers.ChoiceField(["warning", "info"])
    detail = serializers.CharField()


class KeySerializer(serializers.Serializer[Any]):
    """What the server asks for: in which header, and the variables that the texts read it from."""

    kind = serializers.ChoiceField(AuthKind.choices)
    header = serializers.CharField(allow_blank=True)
    variables = serializers.ListField(child=serializers.CharField())


class ConnectionSerializer(serializers.Serializer[Connection]):
    """How programs reach a server. No secret is in it. `tried`: whether the URLs were asked now."""

    server = serializers.IntegerField(source="server.pk")
    name = serializers.CharField(source="server.name")
    model = serializers.CharField(allow_blank=True)
    tried = serializers.BooleanField(source="is_tried")
    authentication = KeySerializer(source="key")
    warnings = CautionSerializer(source="cautions", many=True)
    situations = serializers.SerializerMethodField()

    @extend_schema_field(WaySerializer(many=True))
    def get_situations(self, info: Connection) -> Any:
        ways: Any = list(info.ways.values())
        return WaySerializer(ways, many=True).data


class JumpSerializer(serializers.Serializer[Jump]):
    """Where Open WebUI is. `only_here`: it answers, but only on the panel's own machine."""

    url = serializers.CharField(allow_blank=True)
    source = serializers.ChoiceField(SOURCES)  # type: ignore[assignment]  # DRF's name too
    state = serializers.ChoiceField(STATES)
    detail = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    version = serializers.CharField(allow_blank=True)
