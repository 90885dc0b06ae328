"""The shape of a task."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers

from ollamactl.lib.api.serializers import StrictSerializer
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.ordering import MOVES, PRIORITIES
from tasks_app.presentation import task_in_api


class ProgressSerializer(serializers.Serializer[Any]):
    """How far a task is. `rate` is units a second; values are null while nobody knows."""

    done = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    unit = serializers.CharField(allow_null=True)
    rate = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)
    phase = serializers.CharField(allow_null=True)


class TaskErrorSerializer(serializers.Serializer[Any]):
    """Why a task failed, and whether trying again can help."""

    code = serializers.CharField()
    detail = serializers.CharField()
    retryable = serializers.BooleanField()


class TaskSerializer(serializers.ModelSerializer[Task]):
    """One long operation."""

    # The fields are declared for the schema; `task_in_api` writes them all at once.
    parent = serializers.PrimaryKeyRelatedField[Task](read_only=True, allow_null=True)  # type: ignore[assignment]
    created_by = serializers.PrimaryKeyRelatedField[User](read_only=True, allow_null=True)
    state = serializers.ChoiceField(State.choices, read_only=True)
    progress = ProgressSerializer(read_only=True)
    error = TaskErrorSerializer(read_only=True, allow_null=True)
    result = serializers.DictField(read_only=True, allow_null=True)
    log_file_exist = serializers.BooleanField(read_only=True)

    class Meta:
        model = Task
        fields = [
            "id",
            "parent",
            "type",
            "resource_type",
            "resource_id",
            "resource_name",
            "state",
            "progress",
            "priority",
            "attempt",
            "error",
            "result",
            "log_file_exist",
            "created_by",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields

    def to_representation(self, instance: Task) -> dict[str, Any]:
        return task_in_api(instance)


class LeftOutSerializer(serializers.Serializer[Any]):
    """One thing that a task was asked to work on and has left out, and why. `place`: the server's
    name; `resource_id` is null where there is no such row now."""

    resource_type = serializers.CharField()
    resource_id = serializers.IntegerField(allow_null=True)
    resource_name = serializers.CharField()
    place = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class PrioritySerializer(StrictSerializer):
    """Higher priorities begin before all lower ones."""

    priority = serializers.IntegerField(min_value=PRIORITIES[0], max_value=PRIORITIES[1])


class MoveSerializer(StrictSerializer):
    """Where a task that waits shall stand."""

    to = serializers.ChoiceField(MOVES)


class AcceptedTaskSerializer(serializers.Serializer[Any]):
    """202: the work is queued, and this task is how to follow it."""

    task = TaskSerializer()
