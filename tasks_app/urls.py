"""Addresses of the pages of tasks; `PanelSite` puts them behind the login."""

from __future__ import annotations

from django.urls import URLPattern, path

from tasks_app import views

urlpatterns: list[URLPattern] = [
    path("tasks/", views.task_list, name="tasks"),
    path("tasks/<int:pk>/", views.task_detail, name="task"),
    path("tasks/<int:pk>/row/", views.task_row, name="task-row"),
    path("tasks/<int:pk>/panel/", views.task_panel, name="task-panel"),
    path("tasks/<int:pk>/parts/", views.task_parts, name="task-parts"),
    path("tasks/<int:pk>/left-out/", views.task_left_out, name="task-left-out"),
    path("tasks/<int:pk>/log/", views.task_log, name="task-log"),
    path("tasks/<int:pk>/notice/", views.task_notice, name="task-notice"),
    path("tasks/<int:pk>/<slug:action>/", views.act, name="task-act"),
]
