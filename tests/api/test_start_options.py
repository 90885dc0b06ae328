"""Starting with options and stopping by force, through the API."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory

pytestmark = pytest.mark.django_db
LOADED = {"size": 1, "size_vram": 1, "processor": "100% GPU", "expires_at": None}


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (None, {"keep_alive": -1}),
        ({}, {"keep_alive": -1}),
        ({"keep_alive": "1h30m", "num_ctx": 4096}, {"keep_alive": 5400, "num_ctx": 4096}),
        ({"keep_alive": 600}, {"keep_alive": 600}),
    ],
)
def test_the_task_keeps_the_options(
    administrator: APIClient, body: dict[str, Any] | None, payload: dict[str, Any]
) -> None:
    model = OllamaModelFactory(context_length=8192)
    answer = administrator.post(f"/api/v1/models/{model.pk}/start/", body, format="json")
    assert answer.status_code == 202, answer.json()
    place = {"server": model.server_id, "name": model.server.name}
    assert Task.objects.get().payload == {**payload, "place": place}


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"keep_alive": 0}, "keep_alive"),
        ({"keep_alive": "soon"}, "keep_alive"),
        ({"keep_alive": True}, "keep_alive"),
        ({"keep_alive": None}, "keep_alive"),
        ({"num_ctx": 3}, "num_ctx"),
        ({"num_ctx": 8193}, "num_ctx"),
        ({"num_ctx": "much"}, "num_ctx"),
        ({"num_gpu": 1}, "num_gpu"),
    ],
)
def test_what_cannot_be_an_option(
    administrator: APIClient, body: dict[str, Any], attr: str
) -> None:
    model = OllamaModelFactory(context_length=8192)
    answer = administrator.post(f"/api/v1/models/{model.pk}/start/", body, format="json")
    assert answer.status_code == 400, answer.json()
    assert answer.json()["errors"][0]["attr"] == attr
    assert not Task.objects.exists()


def test_a_stop_by_force_is_for_this_machine(administrator: APIClient) -> None:
    far = OllamaServerFactory(base_url="http://192.0.2.1:11434")
    for server, status in ((far, 409), (OllamaServerFactory(), 202)):
        model = OllamaModelFactory(server=server, status="running", is_loaded=True, loaded=LOADED)
        answer = administrator.post(
            f"/api/v1/models/{model.pk}/stop/", {"force": True}, format="json"
        )
        assert answer.status_code == status, answer.json()
    assert Task.objects.get().payload["force"] is True
