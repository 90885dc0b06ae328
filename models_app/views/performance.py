"""How fast a model was, in benchmarks and chats, and how much it is used, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from models_app.charts import Chart, line_chart
from models_app.chat.usage import may_see_users, measured_answers, usage_of
from models_app.models import Benchmark, ModelUse, OllamaModel
from models_app.services.benchmarks import SHOWN, performance_of
from ollamactl.lib.units import format_figure

BENCHMARK, CHAT = "benchmark", "chat"


@dataclass(frozen=True)
class Measurement:
    """One benchmark, or one answer in a chat. `load_seconds` None: it was in memory already."""

    kind: str
    created_at: datetime
    load_seconds: float | None
    first_token_seconds: float | None
    token_rate: float | None
    processor: str = ""
    context_length: int | None = None


def shown_performance(model: OllamaModel) -> dict[str, Any] | None:
    """The charts, from the oldest to the newest, and the measurements, the newest first."""
    known = performance_of(model)
    runs = [
        *(_of_benchmark(run) for run in (known.runs if known else [])),
        *(_of_use(use) for use in measured_answers(model)),
    ]
    runs = sorted(runs, key=lambda run: run.created_at, reverse=True)[:SHOWN]
    if not runs:
        return None
    charts = [
        _chart(runs, "token_rate", _("Tokens a second"), _("tokens/s")),
        _chart(runs, "first_token_seconds", _("Time to the first token"), _("s")),
        _chart(runs, "load_seconds", _("Load time"), _("s")),
    ]
    return {"charts": charts, "runs": runs, "is_mixed": len({run.kind for run in runs}) > 1}


def shown_usage(model: OllamaModel, user: User | AnonymousUser) -> dict[str, Any] | None:
    """Requests and tokens in chats, and by whom; None where there were none."""
    usage = usage_of(model, seen_by=user)
    return {"usage": usage, "names_others": may_see_users(user)} if usage.requests else None


def _of_benchmark(run: Benchmark) -> Measurement:
    return Measurement(
        BENCHMARK,
        run.created_at,
        run.load_seconds,
        run.first_token_seconds,
        run.token_rate,
        run.processor,
        run.context_length,
    )


def _of_use(use: ModelUse) -> Measurement:
    return Measurement(
        CHAT, use.created_at, use.load_seconds, use.first_token_seconds, use.token_rate
    )


def _chart(runs: list[Measurement], name: str, title: str, unit: str) -> dict[str, Any]:
    there = [run for run in reversed(runs) if getattr(run, name) is not None]
    values = [(run.created_at, getattr(run, name)) for run in there]
    chart = line_chart(values, kinds=[run.kind for run in there])
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
