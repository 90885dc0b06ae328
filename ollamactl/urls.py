"""Addresses: the API, health, and the pages at the root."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from ollamactl.health import healthz, readyz
from ollamactl.metrics.views import MetricsView

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("api/", include("ollamactl.api_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", admin.site.urls),
]

handler400 = "ollamactl.failures.bad_request"
handler403 = "ollamactl.failures.forbidden"
handler404 = "ollamactl.failures.not_found"
handler500 = "ollamactl.failures.failed"
