"""Tasks: what is under way, what was, and a word to either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit_app.api.base import PanelViewSet
from ollamactl.lib.api.pagination import PageNumbers
from tasks_app import services
from tasks_app.api.log import LOG_PARAMETERS, LOG_QUERY, LOG_RESPONSES, log_response
from tasks_app.api.serializers import (
    AcceptedTaskSerializer,
    LeftOutSerializer,
    MoveSerializer,
    PrioritySerializer,
    TaskSerializer,
)
from tasks_app.filters import TaskFilter
from tasks_app.left_out import left_out_of, tell
from tasks_app.models import Task
from tasks_app.ordering import MOVE, move_task, prioritize_task
from tasks_app.services import CANCEL, RETRY

VIEW = "tasks_app.view_task"
told = extend_schema(request=None, responses={202: AcceptedTaskSerializer})


class TaskViewSet(PanelViewSet):
    """Every long operation."""

    queryset = Task.objects.order_by("-created_at", "-pk")
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    permissions = {
        "list": VIEW,
        "retrieve": VIEW,
        "log": VIEW,
        "left_out": VIEW,
        "cancel": CANCEL,
        "pause": CANCEL,
        "resume": RETRY,
        "retry": RETRY,
        "rollback": services.ROLL_BACK,
        "move": MOVE,
        "partial_update": MOVE,
    }
    query_parameters = {"log": LOG_PARAMETERS, "left_out": ["page", "page_size"]}

    def get_queryset(self) -> QuerySet[Task]:
        return Task.objects.visible_to(self.request.user).order_by("-created_at", "-pk")

    @told
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Cancel a live task and its live children; nothing that was there before is lost."""
        return self._tell(services.cancel_task)

    @told
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: int) -> Response:
        """Pause a task; it goes on from where it was."""
        return self._tell(services.pause_task)

    @told
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: int) -> Response:
        """Go on with a paused task."""
        return self._tell(services.resume_task)

    @told
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: int) -> Response:
        """Put a failed or cancelled task back in the queue."""
        return self._tell(services.retry_task)

    @told
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, pk: int) -> Response:
        """Undo what an ended batch has done; answers the task that does it."""
        return self._tell(services.roll_back_task)

    @extend_schema(request=PrioritySerializer, responses=TaskSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change the priority of a task that waits."""
        given = PrioritySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        task = prioritize_task(actor=self.actor, task=self.get_object(), **given.validated_data)
        return Response(self.get_serializer(task).data)

    @extend_schema(request=MoveSerializer, responses={202: AcceptedTaskSerializer})
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: int) -> Response:
        """Move a task that waits: to the first or the last place of its queue, one up or down."""
        given = MoveSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        task = move_task(actor=self.actor, task=self.get_object(), **given.validated_data)
        return self.accepted(task=self.get_serializer(task).data)

    @extend_schema(responses=LeftOutSerializer(many=True), operation_id="tasks_left_out_list")
    @action(
        detail=True,
        methods=["get"],
        filterset_class=None,
        pagination_class=PageNumbers,
        url_path="left-out",
    )
    def left_out(self, request: Request, pk: int) -> Response:
        """What a batch has left out of what it was asked for; `result.skipped` is their number."""
        task = self.get_object()
        # Only those of the page are put into words.
        page = self.paginate_queryset(cast("QuerySet[Any]", left_out_of(task))) or []
        told = LeftOutSerializer(tell(task, list(page)), many=True)
        return self.get_paginated_response(told.data)

    @extend_schema(operation_id="tasks_log", parameters=LOG_QUERY, responses=LOG_RESPONSES)
    @action(detail=True, methods=["get"])
    def log(self, request: Request, pk: int) -> HttpResponseBase:
        """The task's log as text."""
        return log_response(request, self.get_object())

    def _tell(self, service: Callable[..., Task]) -> Response:
        self.refuse_body()
        task = service(actor=self.actor, task=self.get_object())
        return self.accepted(task=self.get_serializer(task).data)
