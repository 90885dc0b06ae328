"""Batches by the API: the plan, the start, and each operation's own permission."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from audit_app.models import AuditRecord
from models_app.batches import planning
from models_app.batches.asking import Heard
from models_app.models import Batch
from models_app.resources.estimates import assumed_size
from tasks_app.models import Task
from tests.api.conftest import ClientOf
from tests.factories import OllamaModelFactory, OllamaServerFactory

pytestmark = pytest.mark.django_db
PLAN, BATCH = "/api/v1/models/batch/plan/", "/api/v1/models/batch/"


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ask_around", lambda wanted, **_: Heard())


@pytest.fixture
def operator(client_of: ClientOf) -> APIClient:
    return client_of("operator")


def test_the_plan_says_what_becomes_of_each(operator: APIClient) -> None:
    server = OllamaServerFactory()
    rests = OllamaModelFactory(server=server, name="a:latest", size=5)
    runs = OllamaModelFactory(
        server=server,
        name="b:latest",
        status="running",
        is_loaded=True,
        loaded={"size": 7, "size_vram": 0, "processor": "", "expires_at": None},
    )
    asked = {"operation": "stop", "ids": [rests.pk, runs.pk]}
    plan = operator.post(PLAN, asked, format="json").json()
    assert plan["counts"] == {"total": 2, "will": 1, "nothing": 1, "cannot": 0}
    assert plan["bytes"] == {
        "resource": "memory",
        "direction": "frees",
        "total": 7,
        "exact": False,
        "unknown": 0,
        "unknown_each": None,
        "estimated": 0,
    }
    assert [(item["name"], item["outcome"], item["code"]) for item in plan["items"]] == [
        ("a:latest", "nothing", "not_running"),
        ("b:latest", "will", ""),
    ]
    assert not Task.objects.exists()


def test_a_batch_by_filter_begins(operator: APIClient) -> None:
    server = OllamaServerFactory()
    OllamaModelFactory.create_batch(3, server=server)
    other = OllamaModelFactory()
    asked = {"operation": "start", "filter": {"server": [server.pk]}, "on_error": "stop"}
    answer = operator.post(BATCH, asked, format="json")
    assert answer.status_code == 202, answer.json()
    task = Task.objects.get(pk=answer.json()["task"]["id"])
    assert task.payload == {"operation": "start", "count": 3, "on_error": "stop"}
    batch = Batch.objects.get(task=task)
    assert other.pk not in {item["model"] for item in batch.items}
    record = AuditRecord.objects.get(verb="model.batch")
    assert record.data["count"] == 3
    assert len(record.data["names"]) == 3


def test_names_on_several_servers(operator: APIClient) -> None:
    servers = [OllamaServerFactory(), OllamaServerFactory(status="offline")]
    asked = {"operation": "pull", "names": ["llama3.2"], "servers": [row.pk for row in servers]}
    plan = operator.post(PLAN, asked, format="json").json()
    assert [(item["server"], item["outcome"]) for item in plan["items"]] == [
        (servers[0].pk, "will"),
        (servers[1].pk, "cannot"),
    ]
    refused = operator.post(PLAN, {"operation": "pull", "names": ["llama3.2"]}, format="json")
    assert refused.json()["errors"][0]["attr"] == "servers"


def test_a_name_that_no_server_has_is_said(operator: APIClient) -> None:
    """Once, not for each server; and it keeps no other from its turn."""
    here, there = OllamaServerFactory(), OllamaServerFactory()
    OllamaModelFactory(server=here, name="a:latest")
    asked = {"operation": "start", "names": ["misspelt", "a"]}
    plan = operator.post(PLAN, asked, format="json").json()
    assert [(item["name"], item["server"], item["code"]) for item in plan["items"]] == [
        ("a:latest", here.pk, ""),
        ("misspelt:latest", None, "not_installed"),
    ]
    task = operator.post(BATCH, asked, format="json").json()["task"]["id"]
    batch = Batch.objects.get(task=task)
    assert [item["name"] for item in batch.items] == ["a:latest"]
    assert [item["name"] for item in batch.skipped] == ["misspelt:latest"]
    on_both = {**asked, "servers": [here.pk, there.pk]}
    plan = operator.post(PLAN, on_both, format="json").json()
    assert plan["counts"] == {"total": 4, "will": 1, "nothing": 0, "cannot": 3}


@pytest.mark.parametrize("operation", ["start", "stop", "delete", "pull", "recreate", "update"])
def test_each_operation_needs_its_own_permission(client_of: ClientOf, operation: str) -> None:
    asked = {"operation": operation, "ids": [OllamaModelFactory().pk]}
    for address in (PLAN, BATCH):
        refused = client_of("viewer").post(address, asked, format="json")
        assert refused.status_code == 403
        assert refused.json()["permission"].startswith("models_app.")


def test_nothing_to_do_carries_the_plan(operator: APIClient) -> None:
    asked = {"operation": "stop", "ids": [OllamaModelFactory().pk]}
    answer = operator.post(BATCH, asked, format="json")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "nothing_to_do"
    assert answer.json()["plan"]["counts"]["nothing"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "start"},
        {"operation": "fly", "ids": [1]},
        {"operation": "start", "ids": [1], "names": ["a"]},
        {"operation": "start", "ids": "1"},
        {"operation": "start", "filter": {"min_size": "much"}},
        {"operation": "start", "filter": {"x": {"y": 1}}},
        {"operation": "update", "ids": [1], "on_error": "rollback"},
    ],
)
def test_bad_input_is_400(operator: APIClient, body: dict[str, Any]) -> None:
    answer = operator.post(BATCH, body, format="json")
    assert answer.status_code == 400, answer.json()


def test_a_plan_of_thousands_costs_few_queries(
    operator: APIClient, django_assert_max_num_queries: Any
) -> None:
    server = OllamaServerFactory()
    OllamaModelFactory.create_batch(300, server=server)
    with django_assert_max_num_queries(20):
        plan = operator.post(PLAN, {"operation": "delete", "filter": {}}, format="json").json()
    assert plan["counts"]["will"] == 300
    assert plan["bytes"]["total"] == 300_000_000


def test_the_plan_of_downloads_says_what_each_server_has(operator: APIClient) -> None:
    servers = OllamaServerFactory.create_batch(2)
    asked = {"operation": "pull", "names": ["a", "b"], "servers": [row.pk for row in servers]}
    plan = operator.post(PLAN, asked, format="json").json()
    assert plan["bytes"] == {
        "resource": "disk",
        "direction": "needs",
        "total": None,
        "exact": False,
        "unknown": 4,
        "unknown_each": assumed_size(),
        "estimated": 0,
    }
    assert plan["servers"][0] == {
        "server": servers[0].pk,
        "server_name": servers[0].name,
        "count": 2,
        "bytes": None,
        "exact": False,
        "estimated": 0,
        "answers": None,
        "host": {"by": None, "name": None, "age_seconds": None, "detail": ""},
        "disk": {
            "state": "unknown",
            "free": None,
            "reserved": 0,
            "reserved_guessed": 0,
            "kept": 1_000_000_000,
            "needed": 2 * assumed_size(),
            "after": None,
        },
        "downloads": {
            "running": 0,
            "limit": 3,
            "overall_running": 0,
            "overall_limit": None,
            "held": False,
        },
    }
    deletion = {"operation": "delete", "ids": [OllamaModelFactory().pk]}
    assert operator.post(PLAN, deletion, format="json").json()["servers"] == []


def test_many_servers_cost_no_more_queries(operator: APIClient) -> None:
    def queries(count: int) -> int:
        ids = [row.pk for row in OllamaServerFactory.create_batch(count)]
        asked = {"operation": "pull", "names": ["a", "b"], "servers": ids}
        with CaptureQueriesContext(connection) as found:
            assert operator.post(PLAN, asked, format="json").status_code == 200
        return len(found)

    queries(1)  # what is asked once and kept
    assert queries(2) == queries(40)
