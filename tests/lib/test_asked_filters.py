"""Of a list's filters those are made that are asked for, and the others hold all the same."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from models_app.filters import OllamaModelFilter
from models_app.models import OllamaModel


def asked_for(query: str) -> OllamaModelFilter:
    return OllamaModelFilter(QueryDict(query), queryset=OllamaModel.objects.all())


def test_only_what_is_asked_for_is_made() -> None:
    assert list(asked_for("status=error&page=2&other=1").filters) == ["status"]
    assert not asked_for("").filters
    assert not OllamaModelFilter(queryset=OllamaModel.objects.all()).filters
    assert "status" in OllamaModelFilter.base_filters  # for the schema, and the next one


@pytest.mark.parametrize("query", ["", "page=3", "status="])
def test_nothing_asked_for_is_all(query: str) -> None:
    filters = asked_for(query)
    assert filters.is_valid()
    assert str(filters.qs.query) == str(OllamaModel.objects.all().query)


def test_what_is_wrong_is_said() -> None:
    filters = asked_for("status=broken&min_size=much")
    assert not filters.is_valid()
    assert set(filters.errors) == {"status", "min_size"}
