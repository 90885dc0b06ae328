"""Models: the list, the pull, and everything that is done with one."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from models_app.api.batch_views import BatchActions
from models_app.api.model_request_serializers import (
    BenchmarkRequestSerializer,
    NewNameSerializer,
    PreflightRequestSerializer,
    PullSerializer,
    RecreateSerializer,
    StartSerializer,
    StopSerializer,
    SyncAllSerializer,
)
from models_app.api.model_serializers import (
    AcceptedModelSerializer,
    AcceptedPullSerializer,
    ChangedModelSerializer,
    ModelDetailSerializer,
    ModelSerializer,
)
from models_app.api.preflight_serializers import PreflightSerializer
from models_app.filters import OllamaModelFilter
from models_app.models import OllamaModel
from models_app.services import benchmarks, copies, lifecycle, pins, preflight, recreating, servers
from ollamactl.lib.api.serializers import StrictSerializer
from ollamactl.lib.errors import NotFound
from tasks_app.api.log import LOG_PARAMETERS, LOG_QUERY, LOG_RESPONSES, log_response
from tasks_app.api.serializers import AcceptedTaskSerializer, TaskSerializer
from tasks_app.models import Task
from tasks_app.services import CANCEL, RETRY

VIEW = "models_app.view_ollamamodel"
queued = extend_schema(request=None, responses={202: AcceptedTaskSerializer})
changed = extend_schema(request=None, responses={202: ChangedModelSerializer})


class ModelViewSet(BatchActions):
    """The models of all servers."""

    queryset = OllamaModel.objects.order_by("name", "pk")
    serializer_class = ModelSerializer
    filterset_class = OllamaModelFilter
    permissions = {
        "list": VIEW,
        "retrieve": VIEW,
        "log": VIEW,
        "create": lifecycle.PULL,
        "preflight": lifecycle.PULL,
        "destroy": lifecycle.DELETE,
        "start": lifecycle.START,
        "stop": lifecycle.STOP,
        "copy": copies.COPY,
        "rename": copies.COPY,
        "recreate": recreating.RECREATE,
        "benchmark": benchmarks.BENCHMARK,
        "pin": pins.PIN,
        "unpin": pins.PIN,
        "cancel": CANCEL,
        "pause": CANCEL,
        "resume": RETRY,
        "retry": RETRY,
        "sync": servers.SYNC,
        **BatchActions.permissions,
    }
    query_parameters = {"log": LOG_PARAMETERS}

    def get_queryset(self) -> QuerySet[OllamaModel]:
        visible = OllamaModel.objects.visible_to(self.request.user)
        rows = visible.for_list() if self.action == "list" else visible.for_display()
        return rows.order_by("name", "pk")

    def get_serializer_class(self) -> type[ModelSerializer]:
        return ModelDetailSerializer if self.action == "retrieve" else ModelSerializer

    @extend_schema(request=PullSerializer, responses={202: AcceptedPullSerializer})
    def create(self, request: Request) -> Response:
        """Pull a model: checked first, then queued.

        409 `conflict` carries the `task` that is on its way already; 409 `insufficient_resources`
        carries the `preflight`.
        """
        given = PullSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        pull = lifecycle.pull_model(actor=self.actor, **given.validated_data)
        return self.accepted(
            model=ModelSerializer(pull.model).data,
            task=TaskSerializer(pull.task).data,
            preflight=pull.preflight.as_json(),
        )

    @extend_schema(request=PreflightRequestSerializer, responses=PreflightSerializer)
    @action(detail=False, methods=["post"])
    def preflight(self, request: Request) -> Response:
        """Look at what a pull would need, in 2 s at most."""
        given = PreflightRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        found = preflight.check_pull(
            server=asked["server"],
            name=lifecycle.parse_name(asked["name"]).display,
            context_length=asked.get("context_length"),
        )
        return Response(found.as_json())

    @extend_schema(request=SyncAllSerializer, responses={202: AcceptedTaskSerializer})
    @action(detail=False, methods=["post"])
    def sync(self, request: Request) -> Response:
        """Sync one server, or all of them."""
        given = SyncAllSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        service = servers.sync_server if "server" in given.validated_data else servers.sync_all
        task = service(actor=self.actor, **given.validated_data)
        return self.accepted(task=TaskSerializer(task).data)

    @queued
    def destroy(self, request: Request, pk: int) -> Response:
        """Stop the model, delete it at the server, then forget it and its logs."""
        return self._queue(lifecycle.delete_model)

    @extend_schema(request=StartSerializer, responses={202: AcceptedTaskSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: int) -> Response:
        """Load the model; by default it stays loaded until it is stopped."""
        return self._queue_with(request, StartSerializer, lifecycle.start_model)

    @extend_schema(request=StopSerializer, responses={202: AcceptedTaskSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: int) -> Response:
        """Unload the model, after the requests that it is answering, or now with `force`."""
        return self._queue_with(request, StopSerializer, lifecycle.stop_model)

    @extend_schema(request=NewNameSerializer, responses={202: AcceptedModelSerializer})
    @action(detail=True, methods=["post"])
    def copy(self, request: Request, pk: int) -> Response:
        """Give the model a second name on its server; 409 `exists` where the name is taken."""
        return self._to_new_name(request, copies.copy_model)

    @extend_schema(request=NewNameSerializer, responses={202: AcceptedModelSerializer})
    @action(detail=True, methods=["post"])
    def rename(self, request: Request, pk: int) -> Response:
        """Give the model another name; its id and its history stay."""
        return self._to_new_name(request, copies.rename_model)

    @extend_schema(request=RecreateSerializer, responses={202: AcceptedModelSerializer})
    @action(detail=True, methods=["post"])
    def recreate(self, request: Request, pk: int) -> Response:
        """Make the model anew; the old one stays until the new one is there."""
        given = RecreateSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        begun = recreating.recreate_model(
            actor=self.actor, model=self.get_object(), **given.validated_data
        )
        return self._begun(begun)

    @extend_schema(request=BenchmarkRequestSerializer, responses={202: AcceptedTaskSerializer})
    @action(detail=True, methods=["post"])
    def benchmark(self, request: Request, pk: int) -> Response:
        """Measure load time, time to the first token and tokens a second on a fixed prompt."""
        return self._queue_with(request, BenchmarkRequestSerializer, benchmarks.benchmark_model)

    @changed
    @action(detail=True, methods=["post"])
    def pin(self, request: Request, pk: int) -> Response:
        """Keep the panel's own clean-ups from unloading or removing the model; done at once."""
        return self._pin(pins.pin_model)

    @changed
    @action(detail=True, methods=["post"])
    def unpin(self, request: Request, pk: int) -> Response:
        """Leave the model to the panel's own clean-ups again; done at once."""
        return self._pin(pins.unpin_model)

    @queued
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Cancel the work that is under way; an installed version stays."""
        return self._queue(lifecycle.cancel_work)

    @queued
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: int) -> Response:
        """Pause the download; what is there stays on the server."""
        return self._queue(lifecycle.pause_pull)

    @queued
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: int) -> Response:
        """Go on with a paused download."""
        return self._queue(lifecycle.resume_pull)

    @queued
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: int) -> Response:
        """Try again what failed or was cancelled."""
        return self._queue(lifecycle.retry_work)

    @extend_schema(operation_id="models_log", parameters=LOG_QUERY, responses=LOG_RESPONSES)
    @action(detail=True, methods=["get"])
    def log(self, request: Request, pk: int) -> HttpResponseBase:
        """The log of the model's last task as text."""
        model = self.get_object()
        if model.last_task is None:
            raise NotFound(_("This model has no log (any more)."), code="log_missing")
        return log_response(request, model.last_task)

    def _queue_with(
        self, request: Request, shape: type[StrictSerializer], service: Callable[..., Task]
    ) -> Response:
        """Queue work that takes options; none of them has to be given."""
        given = shape(data=request.data)
        given.is_valid(raise_exception=True)
        task = service(actor=self.actor, model=self.get_object(), **given.validated_data)
        return self.accepted(task=TaskSerializer(task).data)

    def _to_new_name(self, request: Request, service: Callable[..., copies.Begun]) -> Response:
        given = NewNameSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return self._begun(
            service(actor=self.actor, model=self.get_object(), **given.validated_data)
        )

    def _begun(self, begun: copies.Begun) -> Response:
        return self.accepted(
            model=ModelSerializer(begun.model).data, task=TaskSerializer(begun.task).data
        )

    def _pin(self, service: Callable[..., OllamaModel]) -> Response:
        self.refuse_body()
        model = service(actor=self.actor, model=self.get_object())
        return self.accepted(model=ModelSerializer(model).data)

    def _queue(self, service: Callable[..., Task]) -> Response:
        self.refuse_body()
        task = service(actor=self.actor, model=self.get_object())
        return self.accepted(task=TaskSerializer(task).data)
