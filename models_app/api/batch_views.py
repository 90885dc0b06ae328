"""Many models at once."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit_app.api.base import PanelViewSet
from models_app.api.batch_serializers import (
    AcceptedBatchSerializer,
    BatchSerializer,
    PlanSerializer,
    UpdatesSerializer,
)
from models_app.services import batches, updates
from models_app.services.lifecycle import PULL
from tasks_app.api.serializers import AcceptedTaskSerializer, TaskSerializer

VIEW = "models_app.view_ollamamodel"


class BatchActions(PanelViewSet):
    """What is done with many models; each operation asks for its own permission."""

    permissions: ClassVar[dict[str, str]] = {
        "batch": VIEW,
        "batch_plan": VIEW,
        "updates": VIEW,
        "check_updates": PULL,
    }

    @extend_schema(request=BatchSerializer, responses=PlanSerializer)
    @action(detail=False, methods=["post"], url_path="batch/plan")
    def batch_plan(self, request: Request) -> Response:
        """What a batch would do with each model; registries are asked for 2 s at most."""
        given = BatchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        plan = batches.plan_batch(actor=self.actor, **given.as_call())
        return Response(plan.as_json())

    @extend_schema(request=BatchSerializer, responses={202: AcceptedBatchSerializer})
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        """Begin a batch: one task, with a child for each model that the operation can be done with.

        409 `nothing_to_do` carries the `plan`.
        """
        given = BatchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        begun = batches.start_batch(actor=self.actor, **given.as_call())
        return self.accepted(task=TaskSerializer(begun.task).data, plan=begun.plan.as_json())

    @extend_schema(responses=UpdatesSerializer, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def updates(self, request: Request) -> Response:
        """What the last look at the registries has found; the models are those with `outdated`."""
        return Response(UpdatesSerializer(updates.known_updates()).data)

    @extend_schema(request=None, responses={202: AcceptedTaskSerializer})
    @updates.mapping.post
    def check_updates(self, request: Request) -> Response:
        """Ask the registries now; a look that is under way is answered instead of a second one."""
        self.refuse_body()
        task = updates.check_updates(actor=self.actor)
        return self.accepted(task=TaskSerializer(task).data)
