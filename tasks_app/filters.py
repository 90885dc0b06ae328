"""Filters of the tasks' list, for pages and the API."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field

from ollamactl.lib.filters import (
    AskedFilterSet,
    BooleanFilter,
    ChoicesFilter,
    NumbersFilter,
    OrderFilter,
    TimeFilter,
    WordsFilter,
)
from ollamactl.lib.parameters import numbers_in_one_parameter
from tasks_app.choices import State, Unit
from tasks_app.logs import tasks_with_log
from tasks_app.models import Task


class TaskFilter(AskedFilterSet):
    """One filter for each thing that a task shows."""

    search = django_filters.CharFilter(
        field_name="resource_name", lookup_expr="icontains", max_length=200, label=_("Resource")
    )
    id = NumbersFilter()
    parent = NumbersFilter()
    top = BooleanFilter(field_name="parent", lookup_expr="isnull", label=_("Without a parent"))
    type = WordsFilter(label=_("Type"))
    resource_type = WordsFilter()
    resource_id = NumbersFilter()
    resource_name = django_filters.CharFilter(max_length=512)
    state = ChoicesFilter(State.choices, label=_("State"))
    phase = WordsFilter()
    unit = ChoicesFilter([choice for choice in Unit.choices if choice[0]])
    priority = NumbersFilter()
    attempt = NumbersFilter()
    error = WordsFilter(method="filter_error", label=_("Code of the error"))
    retryable = BooleanFilter(method="filter_retryable")
    log_file_exist = BooleanFilter(method="filter_log_file")
    created_by = NumbersFilter()
    created_after = TimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = TimeFilter(field_name="created_at", lookup_expr="lte")
    started_after = TimeFilter(field_name="started_at", lookup_expr="gte")
    started_before = TimeFilter(field_name="started_at", lookup_expr="lte")
    finished_after = TimeFilter(field_name="finished_at", lookup_expr="gte")
    finished_before = TimeFilter(field_name="finished_at", lookup_expr="lte")
    ordering = OrderFilter(
        fields={
            name: name
            for name in ("created_at", "started_at", "finished_at", "state", "type", "priority")
        }
    )

    class Meta:
        model = Task
        fields: list[str] = []

    # Most tasks have no error, and an index holds those that have one.
    def filter_error(self, queryset: QuerySet[Task], name: str, value: list[str]) -> QuerySet[Task]:
        """Tasks whose error has any of these codes."""
        if not value:
            return queryset
        return queryset.filter(error__isnull=False, error__code__in=value)

    def filter_retryable(self, queryset: QuerySet[Task], name: str, value: bool) -> QuerySet[Task]:
        """Tasks with an error against which trying again can help (or not)."""
        return queryset.filter(error__isnull=False, error__retryable=value)

    @extend_schema_field({"type": "boolean"})
    def filter_log_file(self, queryset: QuerySet[Task], name: str, value: bool) -> QuerySet[Task]:
        """Tasks whose log file is there (or is not), by a look at the disk."""
        there = Q(pk__in=numbers_in_one_parameter(tasks_with_log())) & ~Q(log_path="")
        return queryset.filter(there) if value else queryset.exclude(there)
