"""The shape of a task."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ollamactl.lib.api.serializers import StrictSerializer
from tasks_app.choices import State
from tasks_app.logs import log_file_exist
from tasks_app.models import Task
from tasks_app.ordering import MOVES, PRIORITIES
from tasks_app.presentation import error_as_json
from tasks_app.progress import progress_of


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

    parent = serializers.PrimaryKeyRelatedField[Task](read_only=True, allow_null=True)  # type: ignore[assignment]
    created_by = serializers.PrimaryKeyRelatedField[User](read_only=True, allow_null=True)
    state = serializers.ChoiceField(State.choices, read_only=True)
    progress = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    log_file_exist = serializers.SerializerMethodField()

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

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, task: Task) -> Any:
        return progress_of(task)

    @extend_schema_field(TaskErrorSerializer(allow_null=True))
    def get_error(self, task: Task) -> Any:
        return error_as_json(task)

    @extend_schema_field({"type": "object", "additionalProperties": {}, "nullable": True})
    def get_result(self, task: Task) -> Any:
        return task.result

    def get_log_file_exist(self, task: Task) -> bool:
        return log_file_exist(task)


class PrioritySerializer(StrictSerializer):
    """Higher priorities begin before all lower ones."""

    priority = serializers.IntegerField(min_value=PRIORITIES[0], max_value=PRIORITIES[1])


class MoveSerializer(StrictSerializer):
    """Where a task that waits shall stand."""

    to = serializers.ChoiceField(MOVES)


class AcceptedTaskSerializer(serializers.Serializer[Any]):
    """202: the work is queued, and this task is how to follow it."""

    task = TaskSerializer()
