"""Values for a query, in as few parameters as a database takes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection
from django.db.models.expressions import RawSQL


def numbers_in_one_parameter(numbers: Sequence[int]) -> RawSQL:
    """For `pk__in=`: however many numbers, while a statement may have so many parameters only."""
    if connection.vendor == "postgresql":
        sql = "SELECT value::bigint FROM jsonb_array_elements_text(%s::jsonb)"
    else:
        sql = "SELECT value FROM json_each(%s)"
    return RawSQL(sql, [json.dumps(list(numbers))])  # noqa: S611 - a fixed text
