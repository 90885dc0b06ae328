"""The page of the download queue."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app import rates
from models_app.charts import RateChart, rate_chart
from models_app.models import PanelSettings
from models_app.pulls import PULL_TYPE
from models_app.services import downloads
from ollamactl.lib.errors import ApplicationError, NotFound, NotPermitted
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import Level, found, go_to, render_page, toast
from ollamactl.lib.paging import keep_in_address, listing_of
from ollamactl.lib.units import format_rate
from tasks_app.actions import ACTIONS, TaskAction
from tasks_app.choices import ENDED, State
from tasks_app.models import Task
from tasks_app.ordering import MOVE, MOVES, move_task
from tasks_app.querysets import IN_ORDER
from tasks_app.services import CANCEL, RETRY
from tasks_app.views import SERVICES, with_actions

VIEW = "tasks_app.view_task"
SHOWN = 100
ENDED_SHOWN = 10
DISMISSED = "resumed_downloads_seen"


@require_safe
@requires(VIEW)
def download_list(request: HttpRequest) -> HttpResponse:
    """What runs, what waits for what, what is paused and what has ended lately."""
    context = _context(request)
    if is_fragment(request):
        response = render(request, "models_app/download_list.html", context)
        return keep_in_address(response, request, context["listing"])
    chart = rate_chart(rates.samples(), now=time.time())
    more = {
        "chart": chart,
        "chart_text": chart_text(),
        "spoken": spoken(chart),
        "resumed": resumed_notice(request),
    }
    page = "models_app/downloads.html"
    return render_page(request, page, {**context, **more}, title=_("Downloads"))


@require_POST
@requires(CANCEL)
def pause_all(request: HttpRequest) -> HttpResponse:
    """Pause what runs; nothing new begins."""
    downloads.hold_downloads(actor=Actor.from_request(request))
    return _shown(request, _("All downloads are paused."))


@require_POST
@requires(RETRY)
def resume_all(request: HttpRequest) -> HttpResponse:
    """Let all go on."""
    _resumed, left = downloads.let_downloads_go_on(actor=Actor.from_request(request))
    if not left:
        return _shown(request, _("The downloads go on."))
    text = ngettext(
        "The downloads go on; %(count)s is still paused.",
        "The downloads go on; %(count)s are still paused.",
        left,
    )
    return _shown(request, text % {"count": left}, "info")


@require_POST
@requires(VIEW)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Move one that waits, or say to one what can be said to any task."""
    task: Task = found(Task.objects.visible_to(request.user).filter(pk=pk).first())
    actor = Actor.from_request(request)
    try:
        if action in MOVES:
            move_task(actor=actor, task=task, to=action)
            return _shown(request, _("The order is changed."))
        chosen: TaskAction = found(ACTIONS.get(action))
        SERVICES[action](actor=actor, task=task)
    except (NotPermitted, NotFound):
        raise
    except ApplicationError as error:
        return _shown(request, error.detail, "error")
    return _shown(request, chosen.done)


@require_POST
@requires(VIEW)
def dismiss_resumed(request: HttpRequest) -> HttpResponse:
    """The notice of what went on after a restart has been read."""
    request.session[DISMISSED] = timezone.now().isoformat()
    if is_fragment(request):
        return HttpResponse("")
    return go_to(request, reverse("admin:downloads"), _("The notice is gone."), "info")


def resumed_notice(request: HttpRequest) -> dict[str, Any] | None:
    """What went on after a restart and was not dismissed; None where nothing did."""
    if not request.user.has_perm(VIEW):
        return None
    seen = request.session.get(DISMISSED)
    resumed = downloads.resumed_after_restart(datetime.fromisoformat(seen) if seen else None)
    if not resumed:
        return None
    named = resumed[: downloads.NAMED]
    return {"tasks": named, "count": len(resumed), "is_more": len(resumed) > len(named)}


def chart_text() -> str:
    """The sentence about the chart, which the page's script fills in."""
    return _("Now %(now)s; the highest of the last ten minutes %(most)s.")


def spoken(chart: RateChart) -> str:
    """The chart for who does not see it."""
    return chart_text() % {"now": format_rate(chart.now), "most": format_rate(chart.most)}


def _context(request: HttpRequest) -> dict[str, Any]:
    visible = Task.objects.visible_to(request.user).filter(type=PULL_TYPE)
    panel = PanelSettings.objects.current()
    listing = listing_of(request, visible.waiting(), ordering="rank")
    running = list(visible.filter(state=State.RUNNING).order_by("started_at", "pk")[:SHOWN])
    paused = list(visible.filter(state=State.PAUSED).order_by(*IN_ORDER)[:SHOWN])
    rows = downloads.look_at([*running, *listing.rows, *paused], panel=panel)
    by_state: dict[str, list[dict[str, Any]]] = {state: [] for state in State.values}
    for row in rows:
        shown = with_actions(row.task, request)
        by_state[row.task.state].append({"download": row, **shown})
    ended = visible.filter(state__in=ENDED, finished_at__isnull=False)
    return {
        "panel": panel,
        "counts": downloads.counts(),
        "listing": listing,
        "running": by_state[State.RUNNING],
        "waiting": by_state[State.QUEUED],
        "paused": by_state[State.PAUSED],
        "ended": ended.select_related("created_by").order_by("-finished_at", "-pk")[:ENDED_SHOWN],
        "may_move": request.user.has_perm(MOVE),
        "address": reverse("admin:downloads"),
    }


def _shown(request: HttpRequest, said: object, level: Level = "success") -> HttpResponse:
    """What became of the wish. The list asks for itself: it may have changed again by now."""
    if not is_fragment(request):
        return go_to(request, reverse("admin:downloads"), said, level)
    response = trigger_client_event(HttpResponse(status=204), "live:refresh", {})
    return toast(response, said, level)
