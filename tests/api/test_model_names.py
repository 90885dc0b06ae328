"""Copying, renaming and pinning through the API."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from audit_app.models import AuditRecord
from models_app.models import OllamaModel
from tasks_app.models import Task
from tests.factories import OllamaModelFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("verb", ["copy", "rename"])
def test_the_work_is_queued_and_the_new_name_is_taken(administrator: APIClient, verb: str) -> None:
    model = OllamaModelFactory(name="llama3.2:latest")
    answer = administrator.post(f"/api/v1/models/{model.pk}/{verb}/", {"name": "Team/mine"})
    assert answer.status_code == 202, answer.json()
    body = answer.json()
    assert body["task"]["type"] == f"model.{verb}"
    assert body["model"]["status"] == "creating"
    taken = OllamaModel.objects.get(name="Team/mine:latest")
    assert taken.source == "local"
    shown = taken if verb == "copy" else model
    assert (body["model"]["id"], body["task"]["resource_id"]) == (shown.pk, shown.pk)
    again = administrator.post(f"/api/v1/models/{model.pk}/{verb}/", {"name": "team/MINE"})
    assert again.status_code == 409
    assert again.json()["errors"][0]["code"] == "conflict"
    assert again.json()["task"] == body["task"]["id"]
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "attr"),
    [
        ({}, 400, "required", "name"),
        ({"name": ""}, 400, "blank", "name"),
        ({"name": 7}, 400, "invalid", "name"),
        ({"name": "a b"}, 400, "invalid_name", "name"),
        ({"name": "x" * 701}, 400, "max_length", "name"),
        ({"name": "LLAMA3.2"}, 400, "same_name", "name"),
        ({"name": "other"}, 409, "exists", "name"),
        ({"name": "new", "force": True}, 400, "unknown_field", "force"),
    ],
)
def test_what_cannot_be_a_new_name(
    administrator: APIClient, body: dict[str, object], status: int, code: str, attr: str
) -> None:
    model = OllamaModelFactory(name="llama3.2:latest")
    OllamaModelFactory(name="other:latest", server=model.server)
    answer = administrator.post(f"/api/v1/models/{model.pk}/copy/", body, format="json")
    assert answer.status_code == status, answer.json()
    error = answer.json()["errors"][0]
    assert (error["code"], error["attr"]) == (code, attr)
    assert not Task.objects.exists()


def test_one_that_never_came_has_nothing_to_copy(administrator: APIClient) -> None:
    model = OllamaModelFactory(digest="", status="error")
    answer = administrator.post(f"/api/v1/models/{model.pk}/copy/", {"name": "new"})
    assert answer.status_code == 409
    assert "not on the server yet" in answer.json()["errors"][0]["detail"]


def test_a_pin_is_set_and_taken_away(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    for verb, pinned in (("pin", True), ("pin", True), ("unpin", False)):
        answer = administrator.post(f"/api/v1/models/{model.pk}/{verb}/")
        assert (answer.status_code, answer.json()["model"]["pinned"]) == (202, pinned)
        listed = administrator.get("/api/v1/models/", {"pinned": "true"}).json()
        assert listed["count"] == int(pinned)
    verbs = AuditRecord.objects.filter(resource_id=model.pk).order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == ["model.pin", "model.unpin"]
