"""The live topics of servers and models."""

from __future__ import annotations

from typing import Any

from models_app.events import host_as_data, model_as_data, server_as_data
from models_app.host_reports import report_of
from models_app.models import OllamaModel, OllamaServer
from tasks_app.live import register_topic

VIEW_MODEL = "models_app.view_ollamamodel"
VIEW_SERVER = "models_app.view_ollamaserver"
# A list's snapshot carries what may be on a screen; a page fetches its own rows.
LONGEST = 200


def _models(number: int | None) -> dict[str, Any]:
    rows = OllamaModel.objects.for_display().order_by("-seq")[:LONGEST]
    return {"models": [model_as_data(row) for row in rows]}


def _model(number: int | None) -> dict[str, Any] | None:
    row = OllamaModel.objects.for_display().filter(pk=number or 0).first()
    return model_as_data(row) if row else None


def _servers(number: int | None) -> dict[str, Any]:
    rows = OllamaServer.objects.order_by("-seq")[:LONGEST]
    return {"servers": [server_as_data(row) for row in rows]}


def _server(number: int | None) -> dict[str, Any] | None:
    row = OllamaServer.objects.filter(pk=number or 0).first()
    return server_as_data(row) if row else None


def _host(number: int | None) -> dict[str, Any] | None:
    report = report_of(number or 0)
    return host_as_data(report) if report and report.is_fresh else None


def register() -> None:
    """Make them known; called once, when Django is ready."""
    register_topic("models", permission=VIEW_MODEL, snapshot=_models, takes_id=False)
    register_topic("model", permission=VIEW_MODEL, snapshot=_model, takes_id=True)
    register_topic("servers", permission=VIEW_SERVER, snapshot=_servers, takes_id=False)
    register_topic("server", permission=VIEW_SERVER, snapshot=_server, takes_id=True)
    register_topic("host", permission=VIEW_SERVER, snapshot=_host, takes_id=True)
