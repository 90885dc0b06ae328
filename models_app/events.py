"""The live events of servers and models, built in one place.

Everybody gets the same event, so its sentences are English; a page in another language asks for its
fragment.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import override

from models_app.choices import ModelStatus
from models_app.models import HostReport, OllamaModel, OllamaServer, PanelSettings
from models_app.querysets import AT_REST, GONE
from tasks_app.live import publish
from tasks_app.sequence import next_seq


def in_english(sentence: object) -> str:
    """A sentence as events carry it, whatever the language of whoever caused the event."""
    with override("en"):
        return str(sentence)


def live_status(model: OllamaModel) -> str:
    """The status that people see: what the queryset derived, else derived here."""
    derived = getattr(model, "live_status", None)
    if derived is not None:
        return str(derived)
    is_gone = model.status in AT_REST and model.server.status in GONE
    return ModelStatus.UNAVAILABLE if is_gone else model.status


def model_as_data(model: OllamaModel) -> dict[str, Any]:
    """What `model.changed` and the snapshots say of a model."""
    return {
        "id": model.pk,
        "status": live_status(model),
        "name": model.name,
        "server": model.server_id,
        "message": in_english(model.message),
        "loaded": model.loaded,
        "size": model.size,
        "seq": model.seq,
    }


def server_as_data(server: OllamaServer) -> dict[str, Any]:
    """What `server.changed` and the snapshots say of a server."""
    return {
        "id": server.pk,
        "status": server.status,
        "reason": server.reason,
        "message": in_english(server.message),
        "version": server.version,
        "latency_ms": server.latency_ms,
        "last_seen_at": server.last_seen_at.isoformat() if server.last_seen_at else None,
        "seq": server.seq,
    }


def announce_model(model: OllamaModel) -> None:
    """Publish `model.changed`. The row must have been saved with a new `seq`."""
    publish(
        "model.changed",
        subject=f"model:{model.pk}",
        seq=model.seq,
        data=model_as_data(model),
        topics=["models", f"model:{model.pk}"],
    )


def announce_model_removed(*, pk: int, seq: int, server: int) -> None:
    """Publish `model.removed`."""
    publish(
        "model.removed",
        subject=f"model:{pk}",
        seq=next_seq(seq),
        data={"id": pk, "server": server},
        topics=["models", f"model:{pk}"],
    )


def announce_downloads(panel: PanelSettings) -> None:
    """Publish `downloads.changed`: the queue is held or goes on, or has other limits. Whoever hears
    of tasks hears it."""
    publish(
        "downloads.changed",
        subject="downloads",
        seq=next_seq(0),
        data={
            "held": panel.downloads_held,
            "per_server": panel.downloads_per_server,
            "overall": panel.downloads_overall,
        },
        topics=["tasks"],
    )


def announce_server(server: OllamaServer) -> None:
    """Publish `server.changed`; lists of models hear it too, as their status follows from it."""
    publish(
        "server.changed",
        subject=f"server:{server.pk}",
        seq=server.seq,
        data=server_as_data(server),
        topics=["servers", f"server:{server.pk}", "models"],
    )


def host_as_data(report: HostReport) -> dict[str, Any]:
    """What `host.changed` and the snapshots say of a server's host, by the worker on it; `rival` is
    the host and process of another that overwrites its reports, else empty. As in the API. Needs
    `with_age`."""
    return {
        "id": report.pk,
        "name": report.host,
        "worker": report.worker,
        "rival": report.rival if report.has_rival else "",
        "disk": {"free": report.disk_free, "total": report.disk_total},
        "memory": {"free": report.memory_free, "total": report.memory_total},
        "gpus": report.cards_as_json,
        "gpu_problem": report.gpu_problem,
        "seen_at": report.seen_at.isoformat(),
        "seq": report.seq,
    }


def announce_host(report: HostReport) -> None:
    """Publish `host.changed`; every few seconds for each host that has a worker."""
    publish(
        "host.changed",
        subject=f"host:{report.pk}",
        seq=report.seq,
        data=host_as_data(report),
        topics=[f"host:{report.pk}"],
    )


def announce_server_removed(*, pk: int, seq: int) -> None:
    """Publish `server.removed`."""
    publish(
        "server.removed",
        subject=f"server:{pk}",
        seq=next_seq(seq),
        data={"id": pk},
        topics=["servers", f"server:{pk}", "models"],
    )
