"""The queue of downloads and the settings, by the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from models_app.models import PanelSettings
from tests.api.conftest import ClientOf
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

DOWNLOADS, SETTINGS = "/api/v1/downloads/", "/api/v1/settings/"


def test_the_queue_in_order(viewer: APIClient) -> None:
    server = OllamaServerFactory(name="gpu1", max_downloads=1)
    key = f"server.pulls:{server.pk}"
    for state, rank in (("paused", 0), ("queued", 2), ("queued", 1), ("running", 3)):
        TaskFactory(state=state, rank=rank, limit_key=key, queue="pulls")
    TaskFactory(state="succeeded")
    rows = viewer.get(DOWNLOADS).data["results"]
    assert [(row["state"], row["position"]) for row in rows] == [
        ("running", None),
        ("queued", 1),
        ("queued", 2),
        ("paused", None),
    ]
    assert rows[1]["waits"] == {
        "code": "server_limit",
        "detail": "“gpu1” is at its limit of downloads at once: 1.",
    }
    assert (rows[1]["server"], rows[1]["server_name"]) == (server.pk, "gpu1")
    assert viewer.get(f"{DOWNLOADS}{rows[2]['id']}/").data["position"] == 2


def test_the_state_of_the_queue(viewer: APIClient) -> None:
    TaskFactory(state="running", rate=5_000_000.0)
    TaskFactory(state="queued", resumed_at=timezone.now(), resource_name="a:latest")
    state = viewer.get(f"{DOWNLOADS}state/").data
    assert (state["held"], state["running"], state["waiting"], state["paused"]) == (False, 1, 1, 0)
    assert (state["limit"], state["limit_per_server"], state["rate"]) == (None, 3, 5_000_000)
    assert [row["name"] for row in state["resumed"]] == ["a:latest"]


def test_priority_and_place(client_of: ClientOf) -> None:
    operator = client_of("operator")
    first, second = (
        TaskFactory(rank=rank, queue="pulls", resource_id=OllamaModelFactory().pk)
        for rank in (1, 2)
    )
    path = f"/api/v1/tasks/{second.pk}/"
    assert operator.patch(path, {"priority": 5}, format="json").data["priority"] == 5
    assert operator.get(DOWNLOADS).data["results"][0]["id"] == second.pk
    assert operator.post(f"{path}move/", {"to": "last"}, format="json").status_code == 202
    assert operator.get(DOWNLOADS).data["results"][0]["id"] == first.pk
    assert operator.patch(path, {"priority": 500}, format="json").status_code == 400
    assert operator.post(f"{path}move/", {"to": "away"}, format="json").status_code == 400


def test_settings_are_read_and_changed(administrator: APIClient, viewer: APIClient) -> None:
    assert viewer.get(SETTINGS).data["downloads_per_server"] == 3
    changes = {"keep_free_disk": "5GB", "downloads_overall": 4, "retry_on": ["server", "network"]}
    answer = administrator.patch(SETTINGS, changes, format="json")
    assert answer.status_code == 200, answer.data
    assert answer.data["keep_free_disk"] == 5_000_000_000
    assert answer.data["retry_on"] == ["network", "server"]
    assert PanelSettings.objects.current().downloads_overall == 4


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"keep_free_disk": "much"}, "keep_free_disk"),
        ({"downloads_per_server": 0}, "downloads_per_server"),
        ({"downloads_held": True}, "downloads_held"),
        ({"retry_longest": 1, "retry_backoff": 5}, "retry_longest"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_bad_settings(administrator: APIClient, changes: dict[str, Any], attr: str) -> None:
    answer = administrator.patch(SETTINGS, changes, format="json")
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"] == attr
