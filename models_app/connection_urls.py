"""Addresses of the pages about connecting to a server."""

from __future__ import annotations

from django.urls import URLPattern, path

from models_app.views import connection, open_webui

urlpatterns: list[URLPattern] = [
    path("servers/<int:pk>/connect/", connection.connect, name="server-connect"),
    path("servers/<int:pk>/connect/export/", connection.export, name="server-connect-export"),
    path("servers/<int:pk>/open-webui/", open_webui.jump, name="server-open-webui"),
    path("servers/<int:pk>/open-webui/look/", open_webui.look, name="server-open-webui-look"),
]
