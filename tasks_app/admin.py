"""The rows of tasks in the admin: to look at."""

from __future__ import annotations

from django.contrib import admin

from audit_app.admin import ReadOnlyAdmin
from tasks_app.models import Task


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Every long operation, with what the engine keeps of it."""

    list_display = ("id", "type", "resource_name", "state", "attempt", "created_at", "finished_at")
    list_filter = ("state", "type", "queue")
    search_fields = ("resource_name", "type")
    show_full_result_count = False
