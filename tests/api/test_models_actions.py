"""What is done with a model through the API."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from audit_app.models import AuditRecord
from models_app.choices import ModelStatus
from models_app.models import OllamaModel
from models_app.resources.verdict import Preflight
from models_app.services import lifecycle
from tasks_app.choices import State
from tasks_app.models import Task
from tests.api.conftest import ClientOf
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

MODELS = "/api/v1/models/"


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The check's verdict, without asking a registry."""
    fields: dict[str, Any] = {
        "verdict": "ok",
        "download_bytes": 10,
        "estimate": "manifest",
        "disk": {"state": "unknown", "free": None, "reserved": 0, "needed": 10, "after": None},
        "memory": {"state": "unknown", "free": None, "needed": None},
        "network": {"state": "ok"},
        "downloads": {"running": 0, "limit": 3},
    }
    monkeypatch.setattr(lifecycle, "check_pull", lambda **kwargs: Preflight(**fields))
    return fields


@pytest.mark.usefixtures("verdict")
def test_a_pull_is_queued(administrator: APIClient) -> None:
    server = OllamaServerFactory()
    answer = administrator.post(MODELS, {"name": "llama3.2", "server": server.pk})
    assert answer.status_code == 202, answer.data
    assert set(answer.data) == {"model", "task", "preflight"}
    model = answer.data["model"]
    assert (model["name"], model["server"], model["status"], model["from"], model["size"]) == (
        "llama3.2:latest",
        server.pk,
        "waiting",
        "library",
        None,
    )
    assert model["task"]["id"] == answer.data["task"]["id"]
    assert answer.data["preflight"]["verdict"] == "ok"
    assert administrator.get(f"{MODELS}{model['id']}/").data["status"] == "waiting"
    record = AuditRecord.objects.get(verb="model.pull")
    assert (record.origin, record.resource_id) == ("api", model["id"])


@pytest.mark.usefixtures("verdict")
def test_the_only_server_need_not_be_said(administrator: APIClient) -> None:
    assert administrator.post(MODELS, {"name": "x"}).data["errors"][0]["attr"] == "server"
    OllamaServerFactory()
    assert administrator.post(MODELS, {"name": "x"}).status_code == 202
    OllamaServerFactory()
    answer = administrator.post(MODELS, {"name": "y"})
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"] == "server"


@pytest.mark.usefixtures("verdict")
def test_a_pull_that_is_on_its_way_answers_with_its_task(administrator: APIClient) -> None:
    server = OllamaServerFactory()
    first = administrator.post(MODELS, {"name": "llama3.2", "server": server.pk}).data
    again = administrator.post(MODELS, {"name": "library/LLAMA3.2:latest", "server": server.pk})
    assert again.status_code == 409
    assert again.data["errors"][0]["code"] == "conflict"
    assert again.data["task"] == first["task"]["id"]
    assert again.data["model"] == first["model"]["id"]
    assert Task.objects.count() == 1


def test_a_pull_that_does_not_fit_is_refused_with_the_check(
    administrator: APIClient, verdict: dict[str, Any]
) -> None:
    verdict["verdict"] = "block"
    verdict["reasons"] = ({"level": "block", "code": "disk_too_small", "detail": "No room."},)
    body = {"name": "llama3.2", "server": OllamaServerFactory().pk}
    answer = administrator.post(MODELS, body)
    assert answer.status_code == 409
    assert answer.data["errors"][0]["code"] == "insufficient_resources"
    assert answer.data["preflight"]["verdict"] == "block"
    assert answer.data["preflight"]["reasons"] == [{"code": "disk_too_small", "detail": "No room."}]
    assert not OllamaModel.objects.exists()
    assert administrator.post(MODELS, {**body, "override": True}).status_code == 202


@pytest.mark.usefixtures("verdict")
def test_an_operator_may_pull_but_not_override(client_of: ClientOf) -> None:
    operator = client_of("operator")
    body = {"name": "llama3.2", "server": OllamaServerFactory().pk}
    answer = operator.post(MODELS, {**body, "override": True})
    assert answer.status_code == 403
    assert answer.data["permission"] == "models_app.override_preflight"
    assert "models_app.override_preflight" in answer.data["errors"][0]["detail"]
    assert operator.post(MODELS, body).status_code == 202


@pytest.mark.usefixtures("verdict")
@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 7.5}, "name"),
        ({"name": "has space"}, "name"),
        ({"name": "a/b/c/d"}, "name"),
        ({"name": "x@sha256:00"}, "name"),
        ({"name": "../../etc/passwd"}, "name"),
        ({"name": None}, "name"),
        ({"name": ["x"]}, "name"),
        ({"name": "x", "server": 10**30}, "server"),
        ({"name": "x", "server": 77}, "server"),
        ({"name": "x", "server": "one"}, "server"),
        ({"name": "x", "server": True}, "server"),
        ({"name": "x", "server": 1.5}, "server"),
        ({"name": "x", "override": "perhaps"}, "override"),
        ({"name": "x", "insecure": True}, "insecure"),
    ],
)
def test_bad_input_is_400_and_names_the_field(
    administrator: APIClient, body: dict[str, Any], attr: str
) -> None:
    OllamaServerFactory()
    answer = administrator.post(MODELS, body)
    assert answer.status_code == 400, answer.data
    assert answer.data["errors"][0]["attr"] == attr
    assert not OllamaModel.objects.exists()


def test_the_check_alone_queues_nothing(administrator: APIClient) -> None:
    server = OllamaServerFactory(status="offline")
    answer = administrator.post(
        f"{MODELS}preflight/", {"name": "127.0.0.1:1/library/x", "server": server.pk}
    )
    assert answer.status_code == 200, answer.data
    assert answer.data["verdict"] == "block"
    assert {"code", "detail"} == set(answer.data["reasons"][0])
    names = {"state", "free", "reserved", "reserved_guessed", "kept", "needed", "after"}
    assert set(answer.data["disk"]) == names
    assert (answer.data["downloads"]["running"], answer.data["downloads"]["limit"]) == (0, 3)
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("action", "fields", "type"),
    [
        ("start", {}, "model.start"),
        ("stop", {"is_loaded": True, "status": ModelStatus.RUNNING}, "model.stop"),
    ],
)
def test_work_is_queued(
    administrator: APIClient, action: str, fields: dict[str, Any], type: str
) -> None:
    model = OllamaModelFactory(**fields)
    answer = administrator.post(f"{MODELS}{model.pk}/{action}/")
    assert answer.status_code == 202, answer.data
    assert set(answer.data) == {"task"}
    assert answer.data["task"]["type"] == type
    shown = administrator.get(f"{MODELS}{model.pk}/").data
    assert shown["task"]["id"] == answer.data["task"]["id"]
    again = administrator.post(f"{MODELS}{model.pk}/{action}/")
    assert again.status_code == 409
    assert again.data["task"] == answer.data["task"]["id"]


def test_a_model_is_deleted_by_a_task(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    answer = administrator.delete(f"{MODELS}{model.pk}/")
    assert answer.status_code == 202, answer.data
    assert answer.data["task"]["type"] == "model.delete"
    assert administrator.get(f"{MODELS}{model.pk}/").data["status"] == "deleting"


@pytest.mark.usefixtures("verdict")
def test_cancel_and_retry(administrator: APIClient) -> None:
    server = OllamaServerFactory()
    made = administrator.post(MODELS, {"name": "llama3.2", "server": server.pk}).data
    address = f"{MODELS}{made['model']['id']}/"
    cancelled = administrator.post(f"{address}cancel/")
    assert cancelled.status_code == 202
    assert cancelled.data["task"]["state"] == "cancelled"
    assert administrator.post(f"{address}cancel/").status_code == 409
    retried = administrator.post(f"{address}retry/")
    assert retried.status_code == 202
    assert retried.data["task"]["id"] == made["task"]["id"]
    assert administrator.get(address).data["status"] == "waiting"


@pytest.mark.usefixtures("verdict")
def test_pause_and_resume(administrator: APIClient) -> None:
    server = OllamaServerFactory()
    made = administrator.post(MODELS, {"name": "llama3.2", "server": server.pk}).data
    address = f"{MODELS}{made['model']['id']}/"
    assert administrator.post(f"{address}resume/").status_code == 409
    assert administrator.post(f"{address}pause/").data["task"]["state"] == "paused"
    assert administrator.get(address).data["status"] == "paused"
    assert administrator.post(f"{address}resume/").data["task"]["state"] == "queued"


@pytest.mark.parametrize("action", ["stop", "cancel", "pause", "resume", "retry"])
def test_what_cannot_be_done_now_is_409_with_a_sentence(
    administrator: APIClient, action: str
) -> None:
    model = OllamaModelFactory()
    answer = administrator.post(f"{MODELS}{model.pk}/{action}/")
    assert answer.status_code == 409
    assert answer.data["errors"][0]["detail"].endswith(".")


def test_an_action_takes_no_body(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    answer = administrator.post(f"{MODELS}{model.pk}/pin/", {"keep_alive": "5m"})
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"] == "keep_alive"
    assert administrator.post(f"{MODELS}{model.pk}/pin/", {}).status_code == 202


def test_all_servers_are_synced_by_one_task(administrator: APIClient) -> None:
    assert administrator.post(f"{MODELS}sync/").status_code == 409
    servers = OllamaServerFactory.create_batch(2)
    answer = administrator.post(f"{MODELS}sync/")
    assert answer.status_code == 202, answer.data
    assert answer.data["task"]["type"] == "servers.sync"
    one = administrator.post(f"{MODELS}sync/", {"server": servers[0].pk})
    assert one.status_code == 202
    assert one.data["task"]["resource_id"] == servers[0].pk


def test_the_detail_survives_a_server_that_does_not_answer(
    administrator: APIClient, unused_tcp_port: int
) -> None:
    server = OllamaServerFactory(base_url=f"http://127.0.0.1:{unused_tcp_port}")
    model = OllamaModelFactory(server=server)
    answer = administrator.get(f"{MODELS}{model.pk}/")
    assert answer.status_code == 200
    assert answer.data["details"] is None


def test_an_unavailable_model_says_so(administrator: APIClient) -> None:
    model = OllamaModelFactory(server__status="offline")
    assert administrator.get(f"{MODELS}{model.pk}/").data["status"] == "unavailable"


@pytest.mark.parametrize("number", ["0", "77", "9" * 30, "9" * 5000, "-1", "one", "1.5", "%00"])
def test_a_model_that_is_not_there_is_404(administrator: APIClient, number: str) -> None:
    for call in (administrator.get, administrator.delete):
        assert call(f"{MODELS}{number}/").status_code == 404
    assert administrator.post(f"{MODELS}{number}/start/").status_code == 404


def test_the_last_tasks_failure_is_shown(administrator: APIClient) -> None:
    task = TaskFactory(
        state=State.FAILED,
        error={"code": "model_missing", "detail": "There is no such model.", "retryable": False},
    )
    model = OllamaModelFactory(status=ModelStatus.ERROR, message="There is no such model.")
    OllamaModel.objects.filter(pk=model.pk).update(last_task=task)
    data = administrator.get(f"{MODELS}{model.pk}/").data
    assert data["message"] == "There is no such model."
    assert data["task"]["error"] == {
        "code": "model_missing",
        "detail": "There is no such model.",
        "retryable": False,
    }
