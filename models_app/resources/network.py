"""The way to the registry: whether it answers, how soon, and how fast downloads were lately."""

from __future__ import annotations

from statistics import median
from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.models import OllamaServer
from models_app.ollama.errors import ManifestMissing, RegistryError, RegistryUnreachable
from models_app.pulls import pulls_key
from models_app.resources.needs import Need
from models_app.resources.verdict import BLOCK, OK, UNKNOWN, WARN, Findings
from models_app.services.survey import Answers
from tasks_app.choices import State
from tasks_app.models import Task

LATEST = 10
MEASURED = 5
# Smaller downloads say more of the registry's answer than of the line.
WORTH_MEASURING = 5_000_000
SHORTEST_SECONDS = 0.5


def judge_network(
    found: Findings, server: OllamaServer, answers: Answers, need: Need
) -> dict[str, Any]:
    """The `network` of a check: `latency_ms` of the registry as the panel sees it, `rate` in bytes
    a second of the server's last downloads, `seconds` that this one takes at that rate."""
    rate = recent_rate(server)
    seconds = round(need.download / rate, 1) if rate and need.download is not None else None
    return {
        "state": _judge_registry(found, answers, need),
        "latency_ms": answers.registry_ms,
        "rate": rate,
        "seconds": seconds,
    }


def recent_rate(server: OllamaServer) -> float | None:
    """The median rate of the server's last downloads that took one attempt, in bytes a second."""
    ended = Task.objects.filter(
        limit_key=pulls_key(server.pk),
        state=State.SUCCEEDED,
        attempt=1,
        started_at__isnull=False,
        finished_at__isnull=False,
    ).order_by("-finished_at", "-pk")
    rows = ended.values_list("payload__needed", "started_at", "finished_at")[:LATEST]
    rates = []
    for needed, begin, end in rows:
        seconds = (end - begin).total_seconds() if begin and end else 0.0
        if isinstance(needed, int) and needed >= WORTH_MEASURING and seconds >= SHORTEST_SECONDS:
            rates.append(needed / seconds)
    return round(median(rates[:MEASURED]), 1) if rates else None


def _judge_registry(found: Findings, answers: Answers, need: Need) -> str:
    error = answers.registry_error
    if answers.manifest is not None:
        return OK
    if error is None:
        detail = (
            _("The registry did not answer in time; the size of the download is not known.")
            if need.download is None
            else _("The registry did not answer in time; the size of the download is an estimate.")
        )
        found.add(WARN, "registry_timeout", detail)
        return UNKNOWN
    found.add(BLOCK if isinstance(error, ManifestMissing) else WARN, error.code, error.detail)
    return _state_after(error)


def _state_after(error: RegistryError) -> str:
    if isinstance(error, RegistryUnreachable):
        return WARN
    return OK if isinstance(error, ManifestMissing) else UNKNOWN
