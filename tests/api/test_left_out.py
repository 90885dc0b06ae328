"""What a batch has left out, with the reason of each, as a list of its task."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from models_app.models import Batch, OllamaModel
from tasks_app.models import Task
from tests.api.conftest import ClientOf
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

BATCH = "/api/v1/models/batch/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client_of: ClientOf) -> APIClient:
    return client_of("operator")


@pytest.fixture
def begun(operator: APIClient) -> int:
    """The task of a batch that has begun one model, and has left out two."""
    shop = OllamaServerFactory(name="shop")
    OllamaModelFactory(server=shop, name="a:latest")
    OllamaModelFactory(server=shop, name="runs:latest", is_loaded=True, status="running")
    asked = {"operation": "start", "names": ["runs", "a", "misspelt"]}
    answer = operator.post(BATCH, asked, format="json")
    assert answer.status_code == 202, answer.json()
    return int(answer.json()["task"]["id"])


def test_each_is_named_with_its_reason(operator: APIClient, begun: int) -> None:
    answer = operator.get(f"/api/v1/tasks/{begun}/left-out/").json()
    runs = OllamaModel.objects.get(name="runs:latest")
    assert (answer["count"], answer["next"]) == (2, None)
    assert answer["results"] == [
        {
            "resource_type": "model",
            "resource_id": None,
            "resource_name": "misspelt:latest",
            "place": "",
            "code": "not_installed",
            "detail": "No server has a model of this name.",
        },
        {
            "resource_type": "model",
            "resource_id": runs.pk,
            "resource_name": "runs:latest",
            "place": "shop",
            "code": "running",
            "detail": "It is running already.",
        },
    ]


def test_what_is_gone_since_is_named_all_the_same(operator: APIClient, begun: int) -> None:
    OllamaModel.objects.filter(name="runs:latest").delete()
    last = operator.get(f"/api/v1/tasks/{begun}/left-out/").json()["results"][1]
    assert (last["resource_id"], last["resource_name"], last["place"]) == (
        None,
        "runs:latest",
        "shop",
    )


def test_the_reasons_are_in_the_reader_s_language(operator: APIClient) -> None:
    answer = operator.get(
        f"/api/v1/tasks/{batch_of(1).pk}/left-out/", headers={"Accept-Language": "zh-hans"}
    )
    assert answer.json()["results"][0]["detail"] == "其仓库中没有这个模型。"


def batch_of(count: int) -> Task:
    """A batch that has left out so many."""
    server = OllamaServerFactory()
    task: Task = TaskFactory(type="model.batch", resource_type="", resource_id=None)
    word = {"model": None, "server": server.pk, "code": "missing"}
    detail = "Its registry has no such model."
    names = [f"m{number}:7b" for number in range(count)]
    Batch.objects.create(
        task=task,
        operation="pull",
        skipped=[{**word, "name": name, "detail": detail} for name in names],
    )
    return task


def test_ten_thousand_come_in_pages_at_the_cost_of_a_page(operator: APIClient) -> None:
    def look(task: Task) -> tuple[list[str], int]:
        with CaptureQueriesContext(connection) as seen:
            answer = operator.get(f"/api/v1/tasks/{task.pk}/left-out/?page=2&page_size=200")
        assert answer.status_code == 200, answer.json()
        return [row["resource_name"] for row in answer.json()["results"]], len(seen)

    operator.get("/api/v1/tasks/")  # what is looked up once
    names, queries = look(batch_of(10_000))
    assert (len(names), names[0], names[-1]) == (200, "m200:7b", "m399:7b")
    few, as_many = look(batch_of(201))
    assert (few, as_many) == (["m200:7b"], queries)


def test_other_tasks_leave_nothing_out(operator: APIClient) -> None:
    for task in (TaskFactory(), TaskFactory(type="model.batch")):
        answer = operator.get(f"/api/v1/tasks/{task.pk}/left-out/").json()
        assert (answer["count"], answer["results"]) == (0, [])
    assert operator.get("/api/v1/tasks/999999/left-out/").status_code == 404
    assert operator.get(f"/api/v1/tasks/{task.pk}/left-out/?state=x").status_code == 400
