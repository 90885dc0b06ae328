"""A server's host in the API: the worker's figures while they are fresh, and what it says after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from models_app.host_models import HostReport
from models_app.host_reports import Seen, write_report
from models_app.models import OllamaServer
from models_app.resources.machine import Gpu, Memory
from tests.factories import OllamaServerFactory

pytestmark = pytest.mark.django_db
SEEN = Seen("gpu-1", "/models", "", 500, 100, Memory(64, 32), [Gpu("Card", 24, 20)])


@pytest.fixture
def server() -> OllamaServer:
    row: OllamaServer = OllamaServerFactory()
    return row


def fall_silent() -> None:
    HostReport.objects.update(seen_at=F("seen_at") - timedelta(minutes=2))


def test_without_a_worker(viewer: APIClient, server: OllamaServer) -> None:
    assert viewer.get(f"/api/v1/servers/{server.pk}/").json()["host"] is None


def test_figures_with_their_age(viewer: APIClient, server: OllamaServer) -> None:
    write_report(server.pk, SEEN)
    found = viewer.get(f"/api/v1/servers/{server.pk}/").json()["host"]
    assert found.pop("seen_at").endswith("Z")
    assert 0 <= found.pop("age_seconds") < 20
    assert found.pop("detail").startswith("By the worker on its host (gpu-1), ")
    assert found == {
        "name": "gpu-1",
        "worker": "",
        "rival": "",
        "is_fresh": True,
        "disk": {"free": 100, "total": 500},
        "memory": {"free": 32, "total": 64},
        "gpus": [
            {
                "name": "Card",
                "free": 20,
                "total": 24,
                "utilization": None,
                "temperature": None,
                "power": None,
                "state": "",
            }
        ],
        "gpu_problem": "",
        "problem": "",
    }
    (row,) = viewer.get("/api/v1/servers/").json()["results"]
    assert row["host"]["disk"] == found["disk"]


def test_a_silent_worker_has_no_figures(viewer: APIClient, server: OllamaServer) -> None:
    write_report(server.pk, SEEN)
    fall_silent()
    found = viewer.get(f"/api/v1/servers/{server.pk}/").json()["host"]
    assert found["is_fresh"] is False
    assert found["disk"] == found["memory"] == {"free": None, "total": None}
    assert found["gpus"] is None
    assert "has said nothing for 2m" in found["detail"]


def test_why_the_disk_is_not_known(viewer: APIClient, server: OllamaServer) -> None:
    write_report(server.pk, Seen("gpu-1", problem="no_folder"))
    found = viewer.get(f"/api/v1/servers/{server.pk}/", headers={"Accept-Language": "en"}).json()
    assert found["host"]["problem"] == "no_folder"
    assert "finds no folder of models" in found["host"]["detail"]


def test_a_change_answers_with_the_host(administrator: APIClient, server: OllamaServer) -> None:
    write_report(server.pk, SEEN)
    answer = administrator.patch(
        f"/api/v1/servers/{server.pk}/", {"name": "other"}, format="json"
    ).json()
    assert (answer["name"], answer["host"]["name"]) == ("other", "gpu-1")


def test_hosts_of_a_list_cost_no_queries(viewer: APIClient) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert viewer.get("/api/v1/servers/").status_code == 200
        return len(seen)

    write_report(OllamaServerFactory().pk, SEEN)
    queries()
    few = queries()
    for row in OllamaServerFactory.create_batch(20):
        write_report(row.pk, SEEN)
    assert queries() == few
