"""Servers, models and checks, for `/metrics`: five queries, whatever there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from models_app.choices import ModelStatus, ServerStatus
from models_app.host_metrics import host_families
from models_app.models import OllamaModel, OllamaServer
from models_app.querysets import GONE

LATE = timedelta(seconds=5)
"""A check may begin so long after its time: ticks are a second apart, and a round takes some."""
AT_REST = (ModelStatus.STOPPED, ModelStatus.RUNNING)


def families() -> Iterator[Metric]:
    """Servers and models by status, checks that are late, and what servers' hosts have."""
    yield _by_status("servers", "Servers, by what the last check said.", _servers())
    yield _by_status("models", "Models, by their status.", _models())
    yield from _checks()
    yield from host_families()


def _servers() -> Mapping[str, int]:
    rows = OllamaServer.objects.order_by().values("status").annotate(n=Count("pk"))
    return dict.fromkeys(map(str, ServerStatus), 0) | {row["status"]: row["n"] for row in rows}


def _models() -> Mapping[str, int]:
    """As `with_live_status` has it, without a look at each row's server."""
    models = OllamaModel.objects.order_by()
    counts = dict.fromkeys(map(str, ModelStatus), 0)
    for row in models.values("status").annotate(n=Count("pk")):
        counts[row["status"]] = row["n"]
    gone = models.filter(server__status__in=GONE, status__in=AT_REST)
    for row in gone.values("status").annotate(n=Count("pk")):
        counts[row["status"]] -= row["n"]
        counts[ModelStatus.UNAVAILABLE] += row["n"]
    return counts


def _checks() -> Iterator[Metric]:
    now = timezone.now()
    due = OllamaServer.objects.annotate(due=Coalesce("next_check_at", "created_at"))
    found = due.filter(due__lt=now).aggregate(
        late=Count("pk", filter=Q(due__lt=now - LATE)), first=Min("due")
    )
    text = f"Servers whose check should have begun more than {LATE.seconds} s ago."
    yield GaugeMetricFamily("ollamactl_checks_late", text, value=found["late"])
    seconds = (now - found["first"]).total_seconds() if found["first"] else 0.0
    text = "By how much the check is late that waits longest."
    yield GaugeMetricFamily("ollamactl_check_delay_seconds", text, value=seconds)


def _by_status(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"ollamactl_{name}", text, labels=("status",))
    for status, count in sorted(counts.items()):
        family.add_metric((str(status),), count)
    return family
