"""Many rows in one statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from operator import is_
from types import NoneType
from typing import Any, TypeAlias, cast

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Field, Model, Value, When
from django.db.models.functions import Cast

from ollamactl.lib.parameters import NumberByKey, these

AnyField: TypeAlias = "Field[Any, Any]"


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
    each row as if it were an expression. A value that rows share is prepared once here.
    """
    if not rows:
        return
    fields = _written(type(rows[0]))
    columns = [
        _prepared(field, [field.pre_save(row, add=True) for row in rows]) for field in fields
    ]
    for row, pk in zip(rows, _insert(type(rows[0]), fields, columns), strict=True):
        row.pk = pk
        row._state.adding = False
        row._state.db = connection.alias


def insert_values(model: type[Model], rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Insert rows that are given as values by the attributes of their fields (`server_id`); returns
    their primary keys, in order.

    What a row leaves out is what it is in one that is made now. Where many rows are only to be
    written, to make an object of each would cost as much as all the rest.
    """
    if not rows:
        return []
    fields = _written(model)
    empty, given = model(), set[str]().union(*rows)
    columns = [
        _column(field, empty, rows)
        if field.get_attname() in given or _is_made_anew(field)
        else _prepared(field, [field.pre_save(empty, add=True)]) * len(rows)
        for field in fields
    ]
    return _insert(model, fields, columns)


def _written(model: type[Model]) -> list[AnyField]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


def _column(field: AnyField, empty: Model, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The prepared values of one field."""
    name, left_out = field.get_attname(), object()
    given = [row.get(name, left_out) for row in rows]
    if _is_made_anew(field):
        return _prepared(field, [field.get_default() if v is left_out else v for v in given])
    default = field.pre_save(empty, add=True)
    return _prepared(field, [default if value is left_out else value for value in given])


def _is_made_anew(field: AnyField) -> bool:
    """Whether each row has a default of its own."""
    return field.has_default() and callable(field.default)


def _insert(
    model: type[Model], fields: Sequence[AnyField], columns: Sequence[list[Any]]
) -> list[Any]:
    """Insert columns of prepared values, as many rows a statement as it may have parameters."""
    at_once = max(1, (connection.features.max_query_params or 2**15) // len(fields))
    names = ", ".join(map(_quoted, fields))
    places = f"({', '.join(['%s'] * len(fields))})"
    table, key = connection.ops.quote_name(model._meta.db_table), _quoted(model._meta.pk)
    rows = list(zip(*columns, strict=True))
    keys: list[Any] = []
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            cursor.execute(
                f"INSERT INTO {table} ({names}) "  # noqa: S608 - names of ours
                f"VALUES {', '.join([places] * len(some))} RETURNING {key}",
                list(chain.from_iterable(some)),
            )
            keys += [pk for (pk,) in cursor.fetchall()]
    return keys


def _quoted(field: AnyField) -> str:
    return connection.ops.quote_name(field.column or field.get_attname())


def _prepared(field: AnyField, values: Sequence[Any]) -> list[Any]:
    """As the database takes them. Words and numbers are prepared once each; not what is made of
    others, as `1` and `True` inside of JSON are equal."""
    first = values[0]
    if all(map(partial(is_, first), values)):
        return [field.get_db_prep_save(first, connection)] * len(values)
    known: dict[tuple[type, Any], Any] = {}
    prepared = []
    for value in values:
        if value is None or isinstance(value, str | int):
            same = (type(value), value)
            if same not in known:
                known[same] = field.get_db_prep_save(value, connection)
            prepared.append(known[same])
        else:
            prepared.append(field.get_db_prep_save(value, connection))
    return prepared


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
