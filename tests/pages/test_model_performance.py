"""The benchmarks of a model, on its page and in the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from models_app.charts import HEIGHT, MARGIN, WIDTH, line_chart
from models_app.models import Benchmark, OllamaModel
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, UserFactory, token_of
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db


def _measured(model: OllamaModel, rate: float, load: float | None = None) -> Benchmark:
    return Benchmark.objects.create(
        model=model,
        token_rate=rate,
        first_token_seconds=0.2,
        load_seconds=load,
        tokens=128,
        context_length=4096,
        processor="100% GPU",
    )


def _panel(client: Client, model: OllamaModel) -> str:
    return str(client.get(reverse("admin:model-panel", args=[model.pk])).content.decode())


def test_without_a_measurement_the_page_says_what_it_would_do(viewer: Client) -> None:
    assert "Nothing has been measured yet" in _panel(viewer, OllamaModelFactory())


def test_the_charts_show_the_runs_from_old_to_new(viewer: Client) -> None:
    model = OllamaModelFactory()
    for rate, load in ((40.0, 1.5), (80.0, None), (60.0, 2.5)):
        _measured(model, rate, load)
    shown = _panel(viewer, model)
    assert shown.count("<svg") == 3
    assert "3 measurements, the last one 60.0 tokens/s, the highest 80.0 tokens/s" in shown
    assert "2 measurements, the last one 2.50 s" in shown
    assert "was loaded" in shown
    assert "100% GPU" in shown


def test_a_chart_stays_in_its_picture() -> None:

    now = datetime.now(UTC)
    assert line_chart([]) is None
    for values in ([0.0], [5.0], [1.0, 2.0, 0.0], [3.0] * 30):
        chart = line_chart([(now, value) for value in values])
        assert chart is not None
        assert len(chart.line.split()) == len(values)
        for dot in chart.dots:
            assert MARGIN <= dot.x <= WIDTH - MARGIN
            assert MARGIN <= dot.y <= HEIGHT - MARGIN
        highest = min(chart.dots, key=lambda dot: dot.y)
        assert highest.value == max(values)


def test_the_button_queues_a_benchmark(operator: Client) -> None:
    model = OllamaModelFactory()
    url = reverse("admin:model-act", args=[model.pk, "benchmark"])
    answer = operator.post(url, {"view": "panel"}, headers=HTMX)
    assert answer.status_code == 200
    task = Task.objects.get()
    assert (task.type, task.payload["tokens"]) == ("model.benchmark", 128)


def test_the_api_tells_the_figures() -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(UserFactory(role='administrator'))}")
    model = OllamaModelFactory()
    model.server.status = "offline"  # nobody is asked for details
    model.server.save()
    address = f"/api/v1/models/{model.pk}/"
    assert client.get(address).json()["performance"] is None
    _measured(model, 40.0, 1.5)
    _measured(model, 60.0)
    found = client.get(address).json()["performance"]
    assert (found["token_rate"], found["load_seconds"]) == (60.0, 1.5)
    assert [run["token_rate"] for run in found["runs"]] == [60.0, 40.0]
    answer = client.post(f"{address}benchmark/", {"tokens": 3}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "tokens")
    answer = client.post(f"{address}benchmark/", {"tokens": 16}, format="json")
    assert (answer.status_code, answer.json()["task"]["type"]) == (202, "model.benchmark")
