"""Addresses of the JSON API: `/api/v1/`, its schema and its documentation."""

from __future__ import annotations

from django.urls import include, path, re_path

from ollamactl.lib.api.docs import DocsView, SchemaView
from ollamactl.lib.api.views import UnknownAddress

urlpatterns = [
    path("v1/", include("audit_app.api.urls")),
    path("v1/", include("models_app.api.urls")),
    path("v1/", include("tasks_app.api.urls")),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    re_path(r"", UnknownAddress.as_view()),
]
