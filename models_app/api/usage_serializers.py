"""The shapes of a model's speed and use."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from models_app.models import Benchmark, ModelUse
from models_app.services.benchmarks import FIGURES


class BenchmarkSerializer(serializers.ModelSerializer[Benchmark]):
    """One benchmark: seconds, and tokens a second; null where it was not measured."""

    class Meta:
        model = Benchmark
        fields = ["id", "created_at", *FIGURES]
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
