"""Many rows in one statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from types import NoneType
from typing import Any, cast

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Field, Model, Value, When
from django.db.models.functions import Cast

from ollamactl.lib.parameters import NumberByKey, these


def save_together(rows: Sequence[Model], fields: Sequence[str]) -> None:
    """Save these fields of rows of one kind by one UPDATE. The rows are locked by the caller.

    What is the same for all is written once, and numbers are looked up; the rest costs a comparison
    for each two rows, so let there be some hundreds at most.
    """
    if not rows:
        return
    values = {name: _value_of(rows, name) for name in fields}
    keys = these([row.pk for row in rows])
    type(rows[0])._default_manager.filter(pk__in=keys).update(**values)


def insert_together(rows: Sequence[Model]) -> None:
    """Insert new rows of one kind, whose primary keys are set then.

    What `bulk_create` does with plain values, at a fraction of its work: it compiles each value of
    each row as if it were an expression. A value that all rows share is prepared once here.
    """
    if not rows:
        return
    meta = rows[0]._meta
    fields = [field for field in meta.local_concrete_fields if not field.primary_key]
    at_once = max(1, (connection.features.max_query_params or 2**15) // len(fields))
    with transaction.atomic():
        for start in range(0, len(rows), at_once):
            _insert(rows[start : start + at_once], fields)


def _insert(rows: Sequence[Model], fields: Sequence[Field[Any, Any]]) -> None:
    meta = rows[0]._meta
    columns = [_prepared(field, rows) for field in fields]
    names = ", ".join(map(_quoted, fields))
    places = f"({', '.join(['%s'] * len(fields))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {connection.ops.quote_name(meta.db_table)} ({names}) "  # noqa: S608 - ours
            f"VALUES {', '.join([places] * len(rows))} RETURNING {_quoted(meta.pk)}",
            [value for row in zip(*columns, strict=True) for value in row],
        )
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding = False
            row._state.db = connection.alias


def _quoted(field: Field[Any, Any]) -> str:
    return connection.ops.quote_name(field.column or field.get_attname())


def _prepared(field: Field[Any, Any], rows: Sequence[Model]) -> list[Any]:
    values = [field.pre_save(row, add=True) for row in rows]
    if all(_is_same(value, values[0]) for value in values):
        return [field.get_db_prep_save(values[0], connection)] * len(rows)
    return [field.get_db_prep_save(value, connection) for value in values]


def _is_same(one: object, other: object) -> bool:
    """Whether they are surely stored alike: `1` and `True` inside of JSON are not."""
    return one is other or (
        type(one) is type(other) and isinstance(one, str | int) and one == other
    )


def _value_of(rows: Sequence[Model], name: str) -> Any:
    field = cast("Field[Any, Any]", rows[0]._meta.get_field(name))
    values = [getattr(row, field.attname) for row in rows]
    if all(value == values[0] for value in values):
        return values[0]
    if all(type(value) in (int, NoneType) for value in values):
        return NumberByKey({row.pk: value for row, value in zip(rows, values, strict=True)})
    # None without the field is NULL: with that of JSON it would be JSON's null.
    cases = [
        When(pk=row.pk, then=Value(value, output_field=None if value is None else field))
        for row, value in zip(rows, values, strict=True)
    ]
    chosen = Case(*cases, output_field=field)
    casts = connection.features.requires_casted_case_in_updates
    return Cast(chosen, output_field=field) if casts else chosen


def allow_many_parameters(*, connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Let a statement have as many parameters as this SQLite takes (a receiver).

    Django takes the 999 of SQLite before 3.32 for the limit of each, and inserts two dozen rows of
    a wide table at a time.
    """
    if connection.vendor == "sqlite" and connection.connection is not None:
        most = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = most
