"""Addresses of tasks."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from tasks_app.api.views import TaskViewSet

router = SimpleRouter(use_regex_path=False)
router.register("tasks", TaskViewSet, basename="task")
urlpatterns = router.urls
