"""The shapes of batches."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from models_app.api.preflight_serializers import (
    ESTIMATES,
    DiskSerializer,
    DownloadsSerializer,
    OriginSerializer,
)
from models_app.batches.planning import UNDO
from models_app.batches.selection import Selection
from models_app.batches.words import MOST, OnError, Operation, Outcome
from ollamactl.lib.api.serializers import StrictSerializer, Text
from tasks_app.api.serializers import TaskSerializer

LARGEST_ID = 2**63 - 1


class BatchSerializer(StrictSerializer):
    """One of `ids`, `filter` and `names` says which models.

    `filter` has the parameters of the list of models; `names` are looked for on `servers`, or on
    all of them. `on_error`: what is done after the first failure.
    """

    operation = serializers.ChoiceField(Operation.choices)
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        max_length=MOST,
        required=False,
    )
    filter = serializers.DictField(required=False)
    names = serializers.ListField(child=Text(max_length=700), max_length=MOST, required=False)
    servers = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        max_length=1000,
        required=False,
    )
    on_error = serializers.ChoiceField(OnError.choices, default=OnError.CONTINUE)

    def as_call(self) -> dict[str, Any]:
        """The arguments of the services."""
        given = dict(self.validated_data)
        operation, on_error = given.pop("operation"), given.pop("on_error")
        return {"operation": operation, "on_error": on_error, "selection": Selection(**given)}


class PlanCountsSerializer(serializers.Serializer[Any]):
    """How many models there are in all, and of each outcome."""

    total = serializers.IntegerField()
    will = serializers.IntegerField()
    nothing = serializers.IntegerField()
    cannot = serializers.IntegerField()


class PlanBytesSerializer(serializers.Serializer[Any]):
    """Bytes of `memory` or `disk` that it `frees` or `needs`; not `exact`: at most so many.

    Layers that several models share, or that the server has, are no part of the `total` of
    downloads. `estimated`: models whose registry did not say their bytes; `unknown`: those of which
    nobody knows them, they come on top; on the disk `unknown_each` is kept free for each of them.
    """

    resource = serializers.ChoiceField(["memory", "disk"])
    direction = serializers.ChoiceField(["frees", "needs"])
    total = serializers.IntegerField(allow_null=True)
    exact = serializers.BooleanField()
    estimated = serializers.IntegerField()
    unknown = serializers.IntegerField()
    unknown_each = serializers.IntegerField(allow_null=True)


class PlanUndoSerializer(serializers.Serializer[Any]):
    """How many of those that will be done a roll-back brings back."""

    yes = serializers.IntegerField()
    other_version = serializers.IntegerField()
    no = serializers.IntegerField()
    unknown = serializers.IntegerField()


class PlanWarningSerializer(serializers.Serializer[Any]):
    """What one should know before."""

    code = serializers.CharField()
    detail = serializers.CharField()


class PlanServerSerializer(serializers.Serializer[Any]):
    """One server that is downloaded to: `count` models, whose layers it lacks have `bytes`; those
    of `estimated` models are an estimate.

    `answers` is null where it was not heard of in time. `disk` and `downloads` are those of the
    preflight of a single model; `disk.state` is `block` where it is certain that not all fit. Of
    servers that share a disk each has the same `disk`, with what they need together, models of
    unknown size included.
    """

    server = serializers.IntegerField()
    server_name = serializers.CharField()
    count = serializers.IntegerField()
    bytes = serializers.IntegerField(allow_null=True)
    exact = serializers.BooleanField()
    estimated = serializers.IntegerField()
    answers = serializers.BooleanField(allow_null=True)
    disk = DiskSerializer()
    downloads = DownloadsSerializer()
    host = OriginSerializer()


class PlanItemSerializer(serializers.Serializer[Any]):
    """What becomes of one model. `bytes` is null where it is not known; `estimate` says how those
    of a download are known, as in the preflight."""

    model = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    server = serializers.IntegerField(allow_null=True)
    server_name = serializers.CharField()
    outcome = serializers.ChoiceField(Outcome.choices)
    code = serializers.CharField()
    detail = serializers.CharField()
    bytes = serializers.IntegerField(allow_null=True)
    estimate = serializers.ChoiceField(ESTIMATES)
    undo = serializers.ChoiceField(UNDO, allow_null=True)


class PlanSerializer(serializers.Serializer[Any]):
    """What a batch will do."""

    operation = serializers.ChoiceField(Operation.choices)
    dangerous = serializers.BooleanField()
    counts = PlanCountsSerializer()
    bytes = PlanBytesSerializer()
    undo = PlanUndoSerializer()
    warnings = PlanWarningSerializer(many=True)
    servers = PlanServerSerializer(many=True)
    items = PlanItemSerializer(many=True)


class AcceptedBatchSerializer(serializers.Serializer[Any]):
    """202: the batch is queued. `plan` says what is left out, without asking registries."""

    task = TaskSerializer()
    plan = PlanSerializer()


class UpdatesSerializer(serializers.Serializer[Any]):
    """How many models are outdated, up to date, or of an unknown version."""

    outdated = serializers.IntegerField()
    up_to_date = serializers.IntegerField()
    unknown = serializers.IntegerField()
    checked_at = serializers.DateTimeField(allow_null=True)
    task = TaskSerializer(allow_null=True)
