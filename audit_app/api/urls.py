"""Addresses of login, tokens and the audit."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from audit_app.api.views import (
    AuditRecordViewSet,
    LoginView,
    LogoutView,
    MeView,
    TokenViewSet,
)

router = SimpleRouter(use_regex_path=False)
router.register("tokens", TokenViewSet, basename="token")
router.register("audit", AuditRecordViewSet, basename="audit")

urlpatterns = [
    path("auth/login/", LoginView.as_view(), name="login"),
    path("auth/logout/", LogoutView.as_view(), name="logout"),
    path("me/", MeView.as_view(), name="me"),
    *router.urls,
]
