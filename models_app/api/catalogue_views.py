"""The catalogue of well-known models: dated facts that ship with the panel, to read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from models_app.api.model_views import VIEW
from models_app.catalogue import catalogue
from models_app.catalogue.searching import CAPABILITIES, FoundFamily
from models_app.catalogue_forms import CatalogueForm
from models_app.models import OllamaServer
from models_app.resources.fitting import DISK, MEMORY, room_of
from ollamactl.lib.api.views import StrictView

RESOURCES = [MEMORY, DISK]


class CatalogueTagSerializer(serializers.Serializer[Any]):
    """One download. `size` is bytes and approximate; `fits` is null where nobody can tell.

    Of what is `installed` on the server only the memory is judged.
    """

    name = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    size = serializers.IntegerField()
    parameters = serializers.IntegerField()
    parameter_size = serializers.CharField()
    quantization = serializers.CharField()
    context_length = serializers.IntegerField()
    is_default = serializers.BooleanField()
    fits = serializers.BooleanField(allow_null=True)
    lacks = serializers.ChoiceField(RESOURCES, allow_null=True)
    installed = serializers.BooleanField()


class CatalogueFamilySerializer(serializers.Serializer[Any]):
    """A family as it was known at `as_of`; `summary` is in the reader's language."""

    name = serializers.CharField()
    publisher = serializers.CharField()
    summary = serializers.CharField()
    capabilities = serializers.ListField(child=serializers.ChoiceField(CAPABILITIES))
    license = serializers.CharField()
    context_length = serializers.IntegerField()
    as_of = serializers.DateField()
    tags = CatalogueTagSerializer(many=True)

    def to_representation(self, instance: FoundFamily) -> dict[str, Any]:
        family = instance.family
        tags = [
            {
                **asdict(each.tag),
                "name": each.tag.name,
                "parameter_size": each.tag.parameter_size,
                "is_default": each.tag.is_default,
                "fits": each.fits,
                "lacks": each.lacks or None,
                "installed": each.installed,
            }
            for each in instance.tags
        ]
        facts = {**asdict(family), "summary": family.summary, "as_of": catalogue().date}
        return super().to_representation({**facts, "tags": tags})


PARAMETERS = [
    OpenApiParameter("search", str, description="Name (typing errors forgiven), maker or purpose."),
    OpenApiParameter("capability", str, many=True, enum=CAPABILITIES, explode=False),
    OpenApiParameter("max_size", str, description="The largest download, such as 5GB."),
    OpenApiParameter("server", int, description="The server whose room is compared with."),
    OpenApiParameter("fits", bool, description="Only what the server has room for, or has not."),
]


class CatalogueView(StrictView, ListAPIView[Any]):
    """Families of models that are well known."""

    serializer_class = CatalogueFamilySerializer
    permissions = {"get": VIEW}
    query_parameters = {
        "get": {"search", "capability", "max_size", "server", "fits", "page", "page_size"}
    }
    filter_backends = ()

    @extend_schema(operation_id="catalogue_list", parameters=PARAMETERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Find what to pull: families with their downloads, and whether a server has room."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        servers = OllamaServer.objects.visible_to(self.request.user)
        form = CatalogueForm(self.request.query_params, servers=servers)
        if not form.is_valid():
            problems = form.errors.get_json_data()
            raise ValidationError(
                {
                    name: [ErrorDetail(each["message"], code=each["code"]) for each in found]
                    for name, found in problems.items()
                }
            )
        server = form.cleaned_data["server"]
        return form.found(room_of(server) if server else None)
