"""What all processes have counted."""

from __future__ import annotations

from collections.abc import Iterator

import redis
from prometheus_client.core import CounterMetricFamily, Metric

from ollamactl.lib.figures import read_totals
from tasks_app.figures import COUNTS


def families(valkey: redis.Redis) -> Iterator[Metric]:
    """A counter for each of `COUNTS`; one without labels begins at 0."""
    totals = read_totals(valkey)
    for count in COUNTS:
        family = CounterMetricFamily(f"ollamactl_{count.name}", count.text, labels=count.labels)
        values = {labels: number for (name, labels), number in totals.items() if name == count.name}
        if not count.labels:
            values.setdefault((), 0)
        for labels, number in sorted(values.items()):
            if len(labels) == len(count.labels):  # not from another version
                family.add_metric(labels, number)
        yield family
