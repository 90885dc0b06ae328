"""Values for a query, in as few parameters as a database takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, F, Func, Value
from django.db.models.expressions import RawSQL
from django.db.models.sql.compiler import SQLCompiler

FEW = 20


def numbers_in_one_parameter(numbers: Sequence[int]) -> RawSQL:
    """For `pk__in=`: however many numbers, while a statement may have so many parameters only."""
    if connection.vendor == "postgresql":
        sql = "SELECT value::bigint FROM jsonb_array_elements_text(%s::jsonb)"
    else:
        sql = "SELECT value FROM json_each(%s)"
    return RawSQL(sql, [json.dumps(list(numbers))])  # noqa: S611 - a fixed text


def these(numbers: Sequence[int]) -> RawSQL | list[int]:
    """For `pk__in=`: a few as they are, which databases plan best, many in one parameter."""
    return list(numbers) if len(numbers) <= FEW else numbers_in_one_parameter(numbers)


class NumberByKey(Func):
    """For an UPDATE: each row's own number (or none), by its primary key, in one parameter."""

    def __init__(self, numbers: Mapping[int, int | None]) -> None:
        super().__init__(F("pk"), Value(json.dumps(numbers)), output_field=BigIntegerField())

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_args: Any, **_context: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """The number that lies under the row's key."""
        key, values = self.get_source_expressions()
        key_sql, key_params = compiler.compile(key)
        values_sql, values_params = compiler.compile(values)
        if connection.vendor == "postgresql":
            sql = f"(({values_sql})::jsonb ->> ({key_sql})::text)::bigint"
        else:
            sql = f"json_extract({values_sql}, '$.\"' || {key_sql} || '\"')"
        return sql, (*values_params, *key_params)
