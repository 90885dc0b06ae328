"""Queries that are asked all the time with other values: Django makes their SQL once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.models.query import ModelIterable
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=models.Model)
Value = int | str

IDS = 50
"""Rows are asked for by so many ids, or a multiple."""


class KeptQuery(Generic[Row]):
    """The rows of a queryset that differs by nothing but values.

    `make` gives it for some values. They are the parameters of its SQL, all of them, as they are
    and in this order. What Django makes of it, which takes longer than to ask a database for 50
    rows, is kept for each thread and each number of values: so there should be few such numbers.
    """

    def __init__(self, make: Callable[..., models.QuerySet[Row]]) -> None:
        self._make = make
        self._kept = _OfThread()

    def rows(self, *values: Value) -> list[Row]:
        """The rows for these values. Raises `ValueError` where the SQL has other parameters."""
        kept = self._kept.by_count
        made: _Made[Row] | None = kept.get(len(values))
        if made is None:
            made = kept[len(values)] = _Made(self._make(*values))
        return made.rows(values)


class RowsById(KeptQuery[Row]):
    """Rows by their ids, which are numbers above 0."""

    def in_bulk(self, ids: Sequence[int]) -> dict[int, Row]:
        """As a queryset's."""
        # Few numbers of values: the rest are ids that no row has.
        unused = range(0, -(-len(ids) % IDS), -1)
        return {row.pk: row for row in self.rows(*ids, *unused)} if ids else {}


class _OfThread(threading.local):
    """What a thread keeps, as its connection, by the number of values."""

    def __init__(self) -> None:
        self.by_count: dict[int, _Made[Any]] = {}


class _Made(Generic[Row]):
    """A queryset with its SQL."""

    def __init__(self, queryset: models.QuerySet[Row]) -> None:
        query: Any = queryset.query.chain(klass=_Query)
        self._compiler = _Compiler(query, connections[queryset.db], queryset.db)
        query.kept = self._compiler
        queryset.query = query
        self._queryset = queryset

    def rows(self, values: tuple[Value, ...]) -> list[Row]:
        self._compiler.values = values
        self._compiler.connection = connections[self._queryset.db]
        return list(ModelIterable(self._queryset))


class _Query(Query):
    """Django's, with the same compiler each time."""

    kept: _Compiler

    def get_compiler(self, *_args: Any, **_more: Any) -> _Compiler:
        return self.kept


class _Compiler(SQLCompiler):
    """Django's, with the same SQL each time."""

    values: tuple[Value, ...] = ()
    _sql = ""

    def as_sql(self, *args: Any, **more: Any) -> Any:
        if not self._sql:
            sql, parameters = super().as_sql(*args, **more)
            if tuple(parameters) != self.values:
                raise ValueError(f"{self.values} are not all parameters of: {sql}")
            self._sql = sql
        return self._sql, self.values
