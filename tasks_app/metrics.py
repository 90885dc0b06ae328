"""The state of the queues, for `/metrics`: a few queries, whatever there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, Min, OuterRef, Q
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from tasks_app.choices import LIVE, State
from tasks_app.claim import eligible
from tasks_app.models import Task
from tasks_app.runners import registered_types, runner_of


def families() -> Iterator[Metric]:
    """Live tasks, leases that nobody renews, and how long the oldest due tasks wait."""
    yield _live_tasks()
    yield _expired_leases()
    yield from _waits()


def _live_tasks() -> Metric:
    counts = {(*place, str(state)): 0 for place, state in product(_known(), LIVE)}
    live = Task.objects.filter(state__in=LIVE).order_by().values("queue", "type", "state")
    for row in live.annotate(n=Count("pk")):
        counts[row["queue"], row["type"], row["state"]] = row["n"]
    tasks = GaugeMetricFamily(
        "ollamactl_tasks", "Tasks that have not ended.", labels=("queue", "type", "state")
    )
    for labels, count in sorted(counts.items()):
        tasks.add_metric(labels, count)
    return tasks


def _known() -> list[tuple[str, str]]:
    """The queue and the type of every task that this panel knows."""
    runners = ((name, runner_of(name)) for name in registered_types())
    return [(runner.queue, name) for name, runner in runners if runner is not None]


def _expired_leases() -> Metric:
    expired = Task.objects.filter(state=State.RUNNING, lease_until__lt=Now()).count()
    text = "Running tasks whose lease has run out and was not taken back yet."
    return GaugeMetricFamily("ollamactl_leases_expired", text, value=expired)


def _waits() -> Iterator[Metric]:
    """Of a task that was given back only the begin of its last attempt is known: it waits since
    then at most. One without room, behind others of its limit key or its type, is due but no lag;
    nor is one of a type that is held."""
    since = Greatest(
        "created_at", Coalesce("run_after", "created_at"), Coalesce("started_at", "created_at")
    )
    others = Task.objects.filter(limit_key=OuterRef("limit_key"), state=State.RUNNING)
    due = Task.objects.filter(eligible()).order_by().annotate(since=since)
    is_behind = Q(Exists(others.exclude(limit_key=""))) | Q(type__in=_full_types())
    behind = ExpressionWrapper(is_behind, output_field=BooleanField())
    rows = due.annotate(is_behind=behind).values("queue", "is_behind")
    oldest: dict[str, float] = dict.fromkeys((queue for queue, _type in _known()), 0.0)
    lag: dict[str, float] = defaultdict(float, oldest)
    now = timezone.now()
    for row in rows.annotate(first=Min("since")):
        waited = max(0.0, (now - row["first"]).total_seconds())
        oldest[row["queue"]] = max(oldest.get(row["queue"], 0.0), waited)
        if not row["is_behind"]:
            lag[row["queue"]] = max(lag[row["queue"]], waited)
    yield _per_queue("oldest", "Age of the oldest task that is due.", oldest)
    yield _per_queue(
        "lag", "Age of the oldest task that is due and waits behind no other of its limit.", lag
    )


def _full_types() -> list[str]:
    """The types of which no more may begin now: held, or as many run as may at once."""
    runners = ((name, runner_of(name)) for name in registered_types())
    limits = {name: runner.overall_limit() for name, runner in runners if runner is not None}
    limited = {name: limit for name, limit in limits.items() if limit is not None}
    running = Task.objects.filter(state=State.RUNNING, type__in=limited).order_by().values("type")
    counts = {row["type"]: row["n"] for row in running.annotate(n=Count("pk"))}
    return [name for name, limit in limited.items() if counts.get(name, 0) >= limit]


def _per_queue(name: str, text: str, seconds: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"ollamactl_queue_{name}_seconds", text, labels=("queue",))
    for queue, value in sorted(seconds.items()):
        family.add_metric((queue,), value)
    return family
