"""Looking for newer versions by the API."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from audit_app.models import AuditRecord
from tasks_app.models import Task
from tests.api.conftest import ClientOf
from tests.factories import OllamaModelFactory, OllamaServerFactory

pytestmark = pytest.mark.django_db
UPDATES = "/api/v1/models/updates/"


@pytest.fixture
def operator(client_of: ClientOf) -> APIClient:
    return client_of("operator")


def test_what_the_last_look_has_found(operator: APIClient, viewer: APIClient) -> None:
    server = OllamaServerFactory()
    for outdated in (True, False, False, None):
        OllamaModelFactory(server=server, outdated=outdated)
    OllamaModelFactory(server=server, source="local", outdated=None)  # no registry has it
    OllamaModelFactory(server=server, digest="", outdated=None)  # it is not there yet
    shown = viewer.get(UPDATES).json()
    assert shown == {
        "outdated": 1,
        "up_to_date": 2,
        "unknown": 1,
        "checked_at": None,
        "task": None,
    }
    rows = viewer.get("/api/v1/models/?outdated=true").json()["results"]
    assert [row["outdated"] for row in rows] == [True]


def test_a_look_is_begun_once(operator: APIClient) -> None:
    first, second = operator.post(UPDATES), operator.post(UPDATES)
    assert (first.status_code, second.status_code) == (202, 202)
    task = Task.objects.get()
    assert first.json()["task"]["id"] == second.json()["task"]["id"] == task.pk
    assert operator.get(UPDATES).json()["task"]["id"] == task.pk
    assert AuditRecord.objects.get(verb="models.updates").data == {"task": task.pk}
    Task.objects.update(state="succeeded", finished_at=task.created_at)
    shown = operator.get(UPDATES).json()
    assert shown["task"] is None
    assert shown["checked_at"] is not None
    assert operator.post(UPDATES).json()["task"]["id"] != task.pk


def test_a_body_is_refused_and_a_viewer_too(operator: APIClient, viewer: APIClient) -> None:
    assert operator.post(UPDATES, {"now": True}, format="json").status_code == 400
    refused = viewer.post(UPDATES)
    assert (refused.status_code, refused.json()["permission"]) == (
        403,
        "models_app.pull_ollamamodel",
    )
    assert not Task.objects.exists()
