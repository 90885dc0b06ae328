"""A model's benchmarks, as its page shows them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from models_app.charts import Chart, line_chart
from models_app.models import Benchmark, OllamaModel
from models_app.services.benchmarks import performance_of
from ollamactl.lib.units import format_figure


def shown_performance(model: OllamaModel) -> dict[str, Any] | None:
    """The charts, from the oldest to the newest, and the runs, the newest first."""
    known = performance_of(model)
    if known is None:
        return None
    charts = [
        _chart(known.runs, "token_rate", _("Tokens a second"), _("tokens/s")),
        _chart(known.runs, "first_token_seconds", _("Time to the first token"), _("s")),
        _chart(known.runs, "load_seconds", _("Load time"), _("s")),
    ]
    return {"charts": charts, "runs": known.runs}


def _chart(runs: list[Benchmark], name: str, title: str, unit: str) -> dict[str, Any]:
    values = [(run.created_at, getattr(run, name)) for run in reversed(runs)]
    chart = line_chart([(at, value) for at, value in values if value is not None])
    return {"title": title, "unit": unit, "chart": chart, "spoken": _spoken(chart, unit)}


def _spoken(chart: Chart | None, unit: str) -> str:
    """The chart for who does not see it."""
    if chart is None:
        return ""
    count = len(chart.dots)
    text = ngettext(
        "%(count)s measurement, the last one %(last)s %(unit)s, the highest %(most)s %(unit)s",
        "%(count)s measurements, the last one %(last)s %(unit)s, the highest %(most)s %(unit)s",
        count,
    )
    most, last = format_figure(chart.most), format_figure(chart.last.value)
    return text % {"count": count, "last": last, "most": most, "unit": unit}
