"""Addresses of a user's own pages; `PanelSite` puts them behind the login."""

from __future__ import annotations

from django.urls import URLPattern, path

from audit_app import views

urlpatterns: list[URLPattern] = [
    path("account/tokens/", views.token_list, name="tokens"),
    path("account/tokens/add/", views.add_token, name="token-add"),
    path("account/tokens/<int:pk>/revoke/", views.revoke, name="token-revoke"),
]
