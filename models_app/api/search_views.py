"""A user's own searches of models."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from audit_app.api.authentication import user_of
from audit_app.api.base import PanelViewSet
from models_app.api.model_views import VIEW
from models_app.models import RecentSearch, SavedSearch
from models_app.search_records import LONGEST_QUERY
from models_app.search_words import describe
from models_app.services import searches
from ollamactl.lib.api.serializers import StrictSerializer, Text


class SavedSearchSerializer(serializers.ModelSerializer[SavedSearch]):
    """A saved search; `query` is a query string of the list of models, `words` says it."""

    words = serializers.SerializerMethodField()

    class Meta:
        model = SavedSearch
        fields = ["id", "name", "query", "words", "is_default", "created_at"]
        read_only_fields = fields

    def get_words(self, search: SavedSearch) -> str:
        return describe(search.query)


class RecentSearchSerializer(serializers.ModelSerializer[RecentSearch]):
    """A search that was made in the pages."""

    words = serializers.SerializerMethodField()

    class Meta:
        model = RecentSearch
        fields = ["id", "query", "words", "used_at"]
        read_only_fields = fields

    def get_words(self, search: RecentSearch) -> str:
        return describe(search.query)


class NewSearchSerializer(StrictSerializer):
    """A search to keep."""

    name = Text(max_length=100)
    query = Text(max_length=LONGEST_QUERY, allow_blank=True)
    is_default = serializers.BooleanField(required=False, default=False)


class SearchChangesSerializer(StrictSerializer):
    """What is left out stays."""

    name = Text(max_length=100, required=False)
    query = Text(max_length=LONGEST_QUERY, allow_blank=True, required=False)
    is_default = serializers.BooleanField(required=False)


class SearchViewSet(PanelViewSet):
    """The searches that this user keeps; nobody sees another's."""

    queryset: QuerySet[Any] = SavedSearch.objects.none()
    serializer_class = SavedSearchSerializer
    permissions = dict.fromkeys(
        ("list", "retrieve", "create", "partial_update", "destroy", "recent"), VIEW
    )

    def get_queryset(self) -> QuerySet[Any]:
        if not self.request.user.is_authenticated:
            return self.queryset
        return SavedSearch.objects.filter(user=self.request.user).order_by("name", "pk")

    @extend_schema(request=NewSearchSerializer, responses={201: SavedSearchSerializer})
    def create(self, request: Request) -> Response:
        """Keep a search; 409 `exists` where the user has one of that name."""
        given = NewSearchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        search = searches.save_search(
            actor=self.actor, user=user_of(request), **given.validated_data
        )
        return Response(SavedSearchSerializer(search).data, status=HTTP_201_CREATED)

    @extend_schema(request=SearchChangesSerializer, responses=SavedSearchSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Rename a search, change it, or make it the default one."""
        given = SearchChangesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        search = searches.change_search(
            actor=self.actor, search=self.get_object(), **given.validated_data
        )
        return Response(SavedSearchSerializer(search).data)

    @extend_schema(request=None, responses={204: OpenApiResponse(description="Forgotten")})
    def destroy(self, request: Request, pk: int) -> Response:
        """Forget a search."""
        searches.delete_search(actor=self.actor, search=self.get_object())
        return Response(status=HTTP_204_NO_CONTENT)

    @extend_schema(responses=RecentSearchSerializer(many=True))
    @action(detail=False, methods=["get"], pagination_class=None)
    def recent(self, request: Request) -> Response:
        """The user's newest searches in the pages, at most 20."""
        rows = RecentSearch.objects.filter(user=user_of(request))[: searches.MOST_RECENT]
        return Response(RecentSearchSerializer(rows, many=True).data)
