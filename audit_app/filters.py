"""Filters of the audit's list."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from audit_app.choices import Origin, Outcome
from audit_app.models import AuditRecord
from ollamactl.lib.filters import (
    AskedFilterSet,
    ChoicesFilter,
    NumbersFilter,
    OrderFilter,
    TimeFilter,
)


class AuditRecordFilter(AskedFilterSet):
    """By who, what, where from and when."""

    search = django_filters.CharFilter(
        field_name="resource_name", lookup_expr="icontains", max_length=200, label=_("Resource")
    )
    user = NumbersFilter(field_name="user")
    user_name = django_filters.CharFilter(max_length=150)
    origin = ChoicesFilter(Origin.choices)
    verb = django_filters.CharFilter(max_length=64)
    outcome = ChoicesFilter(Outcome.choices)
    resource_type = django_filters.CharFilter(max_length=32)
    resource_id = NumbersFilter()
    after = TimeFilter(field_name="at", lookup_expr="gte")
    before = TimeFilter(field_name="at", lookup_expr="lte")
    ordering = OrderFilter(fields={"at": "at"})

    class Meta:
        model = AuditRecord
        fields: list[str] = []
