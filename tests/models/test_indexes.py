"""What people filter models by is found without reading every row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from models_app.filters import OllamaModelFilter
from models_app.models import OllamaModel

# Derived from the status and the server's, each of which has an index.
DERIVED = {"live_status": "status"}


def leading_columns() -> set[str]:
    """The first column of each index and constraint in the database."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, OllamaModel._meta.db_table)
    return {each["columns"][0] for each in found.values() if each["index"] or each["unique"]}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(set(OllamaModelFilter.get_filters()) - {"ordering"}))
def test_filter_has_an_index(name: str) -> None:
    field = str(OllamaModelFilter.get_filters()[name].field_name)
    column: Any = OllamaModel._meta.get_field(DERIVED.get(field, field))
    assert column.column in leading_columns()
