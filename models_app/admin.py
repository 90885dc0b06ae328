"""The rows of servers and models in the admin: to look at. Changes are made in the pages."""

from __future__ import annotations

from django.contrib import admin

from audit_app.admin import ReadOnlyAdmin
from models_app.models import OllamaModel, OllamaServer


@admin.register(OllamaServer)
class OllamaServerAdmin(ReadOnlyAdmin):
    """Servers. Their credentials are never shown."""

    list_display = ("name", "base_url", "kind", "status", "version", "last_seen_at")
    list_filter = ("status", "kind")
    search_fields = ("name", "base_url")
    exclude = ("credentials",)


@admin.register(OllamaModel)
class OllamaModelAdmin(ReadOnlyAdmin):
    """Models on servers."""

    list_display = ("name", "server", "status", "size", "source", "created_at")
    list_filter = ("status", "source", "server")
    list_select_related = ("server",)
    search_fields = ("name",)
    show_full_result_count = False
