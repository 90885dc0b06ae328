"""What workers on servers' hosts report, for `/metrics`: one query."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from models_app.models import HostReport

PLACE = ("server", "host")
FIGURES = {
    "disk_free": "Free on the disk of the models.",
    "disk_total": "Size of the disk of the models.",
    "memory_free": "Memory that programs could take.",
    "memory_total": "Memory of the host.",
}
# By the fields of a `Gpu`.
CARD_FIGURES = {
    "free": ("free_bytes", "Memory of each GPU that is free."),
    "total": ("total_bytes", "Memory of each GPU."),
    "utilization": ("utilization_ratio", "Share of the time in which each GPU was busy."),
    "temperature": ("temperature_celsius", "Temperature of each GPU."),
    "power": ("power_watts", "Power that each GPU draws."),
}
SCALES = {"utilization": 0.01}


def host_families() -> Iterator[Metric]:
    """Bytes while a report is believed, and the age of every report."""
    rows = HostReport.objects.with_age().select_related("server").defer("server__credentials")
    reports = list(rows.order_by("pk"))
    fresh = [report for report in reports if report.is_fresh]
    text = "Seconds since the worker on the host has reported."
    age = GaugeMetricFamily("ollamactl_host_report_age_seconds", text, labels=PLACE)
    for report in reports:
        age.add_metric(_place(report), report.age)
    yield age
    for name, text in FIGURES.items():
        family = GaugeMetricFamily(f"ollamactl_host_{name}_bytes", text, labels=PLACE)
        for report in fresh:
            value = getattr(report, name)
            if value is not None:
                family.add_metric(_place(report), value)
        yield family
    yield from _cards(fresh)


def _cards(reports: list[HostReport]) -> Iterator[Metric]:
    labels = (*PLACE, "gpu", "card")
    families = {
        field: GaugeMetricFamily(f"ollamactl_host_gpu_{name}", text, labels=labels)
        for field, (name, text) in CARD_FIGURES.items()
    }
    for report in reports:
        for number, card in enumerate(report.cards or []):
            values = [*_place(report), str(number), card.name]
            for field, family in families.items():
                value = getattr(card, field)
                if value is not None:
                    family.add_metric(values, value * SCALES.get(field, 1))
    yield from families.values()


def _place(report: HostReport) -> list[str]:
    return [report.server.name, report.host]
