"""What the panel has on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric


def families() -> Iterator[Metric]:
    """The files of an SQLite database; nothing for a database elsewhere."""
    if connection.vendor != "sqlite":
        return
    sizes = GaugeMetricFamily(
        "ollamactl_database_bytes", "The database's files: its pages and its log.", labels=("file",)
    )
    main = str(settings.DATABASES["default"]["NAME"])
    for label, name in (("main", main), ("wal", f"{main}-wal")):
        with suppress(OSError):
            sizes.add_metric((label,), Path(name).stat().st_size)
    yield sizes
