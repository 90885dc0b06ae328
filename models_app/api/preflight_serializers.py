"""The shape of the check before a download."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from models_app.resources.gpus import GpuProblem, GpuState

STATES = ["ok", "warn", "block", "unknown"]

# How the bytes of a download are known.
ESTIMATES = ["manifest", "details", "table", "unknown"]

# How the memory for a model's context is known.
MEMORY_ESTIMATES = ["model", "sibling", "table", "unknown"]


class DiskSerializer(serializers.Serializer[Any]):
    """Bytes on the disk of the server's models; null is not known.

    `reserved`: for other downloads, `reserved_guessed` of it for those whose size nobody knows yet.
    """

    state = serializers.ChoiceField(STATES)
    free = serializers.IntegerField(allow_null=True)
    reserved = serializers.IntegerField(allow_null=True)
    reserved_guessed = serializers.IntegerField(allow_null=True)
    kept = serializers.IntegerField()
    needed = serializers.IntegerField(allow_null=True)
    after = serializers.IntegerField(allow_null=True)


class MemorySerializer(serializers.Serializer[Any]):
    """Bytes of main memory; null is not known. `needed`: by the model, with `context_length`.

    `estimate`: how what the context takes of it is known: by the `model` itself, by a `sibling`
    (the same model on another server or in another quantization), or by a `table`.
    """

    state = serializers.ChoiceField(STATES)
    free = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    kept = serializers.IntegerField()
    needed = serializers.IntegerField(allow_null=True)
    context_length = serializers.IntegerField()
    estimate = serializers.ChoiceField(MEMORY_ESTIMATES)


class GpuDeviceSerializer(serializers.Serializer[Any]):
    """One GPU, with its memory in bytes; null is not known, for the reason in `state`, which
    `problem` says in words."""

    name = serializers.CharField()
    free = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(GpuState.choices, allow_blank=True)
    problem = serializers.CharField(allow_blank=True)


class GpuSerializer(serializers.Serializer[Any]):
    """Bytes of all GPUs together; null is not known, for the reason in `problem`, which `detail`
    says in words, or that there is none of NVIDIA's."""

    state = serializers.ChoiceField(STATES)
    free = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    needed = serializers.IntegerField(allow_null=True)
    devices = GpuDeviceSerializer(many=True)
    problem = serializers.ChoiceField(GpuProblem.choices, allow_blank=True)
    detail = serializers.CharField(allow_blank=True)


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


class OriginSerializer(serializers.Serializer[Any]):
    """Who saw disk, memory and GPUs: the `worker` on the server's host (`name`, and how long ago),
    the `panel` whose own machine it is, or nobody (null). `name` and `age_seconds` are also those
    of a worker that fell silent, whose figures are not believed any more; `detail` says it all."""

    by = serializers.ChoiceField(["worker", "panel"], allow_null=True)
    name = serializers.CharField(allow_null=True)
    age_seconds = serializers.FloatField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)


class ReasonSerializer(serializers.Serializer[Any]):
    """One reason of a verdict."""

    code = serializers.CharField()
    detail = serializers.CharField()


class PreflightSerializer(serializers.Serializer[Any]):
    """The check before a download."""

    verdict = serializers.ChoiceField(["ok", "warn", "block"])
    download_bytes = serializers.IntegerField(allow_null=True)
    estimate = serializers.ChoiceField(ESTIMATES)
    disk = DiskSerializer()
    memory = MemorySerializer()
    gpu = GpuSerializer()
    network = NetworkSerializer()
    downloads = DownloadsSerializer()
    host = OriginSerializer()
    reasons = ReasonSerializer(many=True)
