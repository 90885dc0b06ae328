"""All families of figures, gathered at a scrape. What cannot be asked is left out and said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

import redis
from django.db import DatabaseError
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from models_app.metrics import families as of_models
from ollamactl import __version__
from ollamactl.lib import figures
from ollamactl.metrics.files import families as of_files
from ollamactl.metrics.processes import families as of_processes
from ollamactl.metrics.totals import families as of_totals
from tasks_app.metrics import families as of_tasks

logger = logging.getLogger(__name__)

Source = Callable[[], Iterable[Metric]]


class PanelCollector:
    """What prometheus_client asks for the families."""

    def collect(self) -> Iterator[Metric]:
        """Every family, once."""
        yield InfoMetricFamily("ollamactl_build", "The panel.", value={"version": __version__})
        yield from _all_or_nothing("database", _from_database, DatabaseError)
        yield from _all_or_nothing("valkey", _from_valkey, (redis.RedisError, OSError))
        yield from of_files()


def _from_database() -> Iterator[Metric]:
    yield from of_tasks()
    yield from of_models()


def _from_valkey() -> Iterator[Metric]:
    figures.report_now()
    with figures.client() as valkey:
        yield from of_totals(valkey)
        yield from of_processes(valkey)


def _all_or_nothing(
    name: str, source: Source, failures: type[Exception] | tuple[type[Exception], ...]
) -> list[Metric]:
    """The families of one source, and whether it answered."""
    try:
        found, answers = list(source()), 1
    except failures as error:
        logger.warning("/metrics goes without %s: %s", name, error)
        found, answers = [], 0
    up = GaugeMetricFamily(f"ollamactl_{name}_up", f"Whether the {name} answers.", value=answers)
    return [up, *found]
