"""What the dashboard shows: from the panel's own rows, in a fixed number of queries."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from models_app.choices import ServerStatus
from models_app.models import OllamaModel, OllamaServer
from models_app.pulls import PULL_TYPE
from models_app.querysets import OllamaModelQuerySet
from models_app.views.downloads import resumed_notice
from tasks_app.choices import LIVE, State
from tasks_app.models import Task

SHOWN = 8
SERVERS_SHOWN = 12
TROUBLED = (ServerStatus.OFFLINE, ServerStatus.UNAUTHORIZED, ServerStatus.DEGRADED)


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the panel's figures to the admin's index."""
    return {**context, **figures(request)}


@require_safe
def dashboard_panel(request: HttpRequest) -> HttpResponse:
    """What changes on the dashboard."""
    return render(request, "panel/dashboard_panel.html", figures(request))


def figures(request: HttpRequest) -> dict[str, Any]:
    """Servers, running models, downloads, what needs attention, and what was done last."""
    user = request.user
    models = OllamaModel.objects.visible_to(user)
    servers = OllamaServer.objects.visible_to(user)
    downloads = Q(last_task__type=PULL_TYPE, last_task__state__in=LIVE)
    in_trouble = Q(status="error") | Q(last_task__state=State.FAILED)
    tasks = Task.objects.visible_to(user).select_related("created_by")
    return {
        "counts": models.aggregate(
            all=Count("pk"),
            running=Count("pk", filter=Q(is_loaded=True)),
            downloading=Count("pk", filter=downloads),
        ),
        "server_counts": {"all": servers.count()},
        "servers": servers.order_by("name", "pk")[:SERVERS_SHOWN],
        "troubled_servers": servers.filter(status__in=TROUBLED).order_by("name", "pk")[:SHOWN],
        "running": _shown(models.filter(is_loaded=True)),
        "downloads": _shown(models.filter(downloads)),
        "troubled_models": _shown(models.filter(in_trouble)),
        "resumed": resumed_notice(request),
        "recent": tasks.order_by("-created_at", "-pk")[:SHOWN],
    }


def _shown(models: OllamaModelQuerySet) -> list[OllamaModel]:
    return list(models.for_display().order_by("-seq", "-pk")[:SHOWN])
