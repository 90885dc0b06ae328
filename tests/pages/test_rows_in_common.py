"""What rows have in common is made once for a list; each row is as if it had been made alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, reverse
from django.utils.translation import override, trans_real

from models_app.api.model_serializers import ModelSerializer
from models_app.models import OllamaModel
from models_app.views.model_rows import model_rows
from ollamactl.lib.paginator import RowPaginator
from tasks_app.choices import State
from tasks_app.models import Task
from tasks_app.rows import task_rows
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory, UserFactory

pytestmark = pytest.mark.django_db

STATUSES = ("stopped", "running", "error", "paused", "downloading", "starting", "deleting")
STATES = ("running", "paused", "queued", "failed", "succeeded", None)


def _fill() -> None:
    """Models in every state, each twice on servers that answer or do not."""
    for number, status in enumerate(STATUSES * 2):
        server = OllamaServerFactory(status=("online", "offline")[number % 2])
        for state in STATES:
            OllamaModelFactory(
                server=server,
                status=status,
                digest="" if status == "error" else "1" * 64,
                message="<b>failed</b>" if state == "failed" else "",
                name=f"embed-{number}-{state}" if number % 3 == 0 else f"x-{number}-{state}",
                pinned=number % 4 == 0,
                last_task=TaskFactory(type="model.pull", state=state) if state else None,
            )


@pytest.mark.parametrize("role", ["administrator", "viewer"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_rows_together_are_the_rows_alone(role: str, language: str) -> None:
    _fill()
    request = RequestFactory().get("/models/")
    request.user = UserFactory(role=role)
    models = list(OllamaModel.objects.for_list().order_by("pk"))
    with override(language):
        together = model_rows(request, models)
        alone = [model_rows(request, [model])[0] for model in models]
    assert together == alone
    assert all(str(row["model"].pk) in row["address"] for row in together)


def test_a_page_reads_all_that_its_rows_show() -> None:
    _fill()
    OllamaModel.objects.filter(pk__in=OllamaModel.objects.all()[:20]).update(
        is_loaded=True, loaded={"size": 2, "size_vram": 1}, outdated=True
    )
    request = RequestFactory().get("/models/")
    request.user = UserFactory(role="administrator")
    assert request.user.has_perm("models_app.view_ollamamodel")
    page = RowPaginator(OllamaModel.objects.for_list().order_by("pk"), 200).page(1)
    with CaptureQueriesContext(connection) as queries:
        shown = {"rows": model_rows(request, page), "typed": "x"}
        assert render_to_string("models_app/model_rows.html", shown).count("<tr") == 84
        assert len(ModelSerializer(page, many=True).data) == 84
    assert not queries.captured_queries


def test_a_problem_stands_in_its_row_alone() -> None:
    request = RequestFactory().get("/models/")
    request.user = UserFactory(role="viewer")
    model = OllamaModelFactory()
    (row,) = model_rows(request, [model], problem="<It> is busy.")
    assert "&lt;It&gt; is busy." in row["status"]
    assert "is busy" not in model_rows(request, [model])[0]["status"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Client, str], tuple[int, int]]:
    """How many addresses a page reverses, and how many texts it translates."""
    counted = {"reversed": 0, "translated": 0}

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counts(*args: Any, **kwargs: Any) -> Any:
            counted[name] += 1
            return function(*args, **kwargs)

        return counts

    def ask(client: Client, url: str) -> tuple[int, int]:
        client.get(url)  # what only the first request costs
        counted.update(reversed=0, translated=0)
        assert client.get(url).status_code == 200
        return counted["reversed"], counted["translated"]

    name = "_reverse_with_prefix"
    monkeypatch.setattr(URLResolver, name, counting("reversed", getattr(URLResolver, name)))
    monkeypatch.setattr(trans_real, "gettext", counting("translated", trans_real.gettext))
    return ask


def test_tasks_together_are_the_tasks_alone() -> None:
    request = RequestFactory().get("/tasks/")
    request.user = UserFactory(role="operator")
    for type_ in ("model.pull", "model.start", "models.batch"):
        for state in State.values * 2:
            TaskFactory(type=type_, state=state)
    tasks = list(Task.objects.select_related("created_by"))
    together = task_rows(request, tasks)
    assert together == [task_rows(request, [task])[0] for task in tasks]
    for row in together:
        assert ("-cancel" in row["buttons"]) == row["task"].is_live


def test_rows_that_look_alike_cost_no_addresses_and_no_translations(
    administrator: Client, calls: Callable[[Client, str], tuple[int, int]]
) -> None:
    url = reverse("admin:models")
    server = OllamaServerFactory()

    def fill(count: int) -> None:
        for _ in range(count):
            OllamaModelFactory(server=server, last_task=TaskFactory(state="succeeded"))

    fill(5)
    few = calls(administrator, url)
    fill(40)
    assert calls(administrator, url) == few
