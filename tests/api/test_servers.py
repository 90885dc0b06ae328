"""Servers in the API: add, read, change, check, sync, forget."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from audit_app.models import AuditRecord
from models_app.choices import AuthKind
from models_app.models import OllamaServer
from tasks_app.models import Task
from tests.api.queries import count_queries
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

SERVERS = "/api/v1/servers/"
CA = "-----BEGIN CERTIFICATE-----\nnot a certificate\n-----END CERTIFICATE-----\n"


def test_a_server_is_added_and_shown(administrator: APIClient) -> None:
    made = administrator.post(
        SERVERS,
        {"name": "Lab", "base_url": "http://127.0.0.1:1/", "limits": {"max_downloads": 5}},
    )
    assert made.status_code == 201, made.data
    data = administrator.get(f"{SERVERS}{made.data['id']}/").data
    assert data["name"] == "Lab"
    assert data["base_url"] == "http://127.0.0.1:1"
    assert data["kind"] == "external"
    assert data["status"] == "unknown"
    assert data["limits"] == {
        "max_downloads": 5,
        "keep_free_disk": None,
        "keep_free_memory": None,
    }
    assert data["latency_ms"] is None
    assert data["last_seen_at"] is None
    assert AuditRecord.objects.filter(verb="server.add", resource_id=data["id"]).exists()


@pytest.mark.parametrize(
    ("credentials", "kind"),
    [
        ({"token": "s3cret-token"}, AuthKind.BEARER),
        ({"username": "ada", "password": "s3cret-pass"}, AuthKind.BASIC),
        ({"name": "X-Key", "value": "s3cret-value"}, AuthKind.HEADER),
    ],
)
def test_credentials_are_written_never_read(
    administrator: APIClient, credentials: dict[str, str], kind: AuthKind
) -> None:
    body = {"name": "Lab", "base_url": "http://127.0.0.1:1", "credentials": credentials}
    made = administrator.post(SERVERS, body)
    assert made.status_code == 201, made.data
    assert made.data["auth_kind"] == kind
    assert "s3cret" not in str(administrator.get(SERVERS).data)
    assert OllamaServer.objects.get().credentials == credentials
    assert "s3cret" not in str(list(AuditRecord.objects.values()))


def test_credentials_that_are_not_given_stay(administrator: APIClient) -> None:
    server = OllamaServerFactory(auth_kind=AuthKind.BEARER, credentials={"token": "t"})
    address = f"{SERVERS}{server.pk}/"
    changed = administrator.patch(address, {"name": "New name"})
    assert changed.status_code == 200, changed.data
    server.refresh_from_db()
    assert (server.name, server.credentials) == ("New name", {"token": "t"})
    administrator.patch(address, {"auth_kind": "none"})
    server.refresh_from_db()
    assert server.credentials == {}


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"base_url": "http://127.0.0.1:1"}, "name"),
        ({"name": "x"}, "base_url"),
        ({"name": "x", "base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"name": "x", "base_url": "http://user:pw@127.0.0.1"}, "base_url"),
        ({"name": "x", "base_url": "http://169.254.169.254/"}, "base_url"),
        ({"name": "", "base_url": "http://127.0.0.1:1"}, "name"),
        ({"name": "x" * 101, "base_url": "http://127.0.0.1:1"}, "name"),
        ({"name": "taken", "base_url": "http://127.0.0.1:1"}, "name"),
        ({"name": "x", "base_url": "http://127.0.0.1:1", "status": "online"}, "status"),
        ({"name": "x", "base_url": "http://127.0.0.1:1", "colour": "red"}, "colour"),
        (
            {"name": "x", "base_url": "http://127.0.0.1:1", "limits": {"max_downloads": 0}},
            "limits.max_downloads",
        ),
        (
            {"name": "x", "base_url": "http://127.0.0.1:1", "limits": {"disk": 1}},
            "limits.disk",
        ),
        (
            {"name": "x", "base_url": "http://127.0.0.1:1", "credentials": {"username": "a"}},
            "credentials",
        ),
        (
            {"name": "x", "base_url": "http://127.0.0.1:1", "auth_kind": "bearer"},
            "credentials",
        ),
        ({"name": "x", "base_url": "http://127.0.0.1:1", "ca_pem": CA}, None),
    ],
)
def test_bad_input_is_400_and_names_the_field(
    administrator: APIClient, body: dict[str, Any], attr: str | None
) -> None:
    OllamaServerFactory(name="taken")
    answer = administrator.post(SERVERS, body)
    assert answer.status_code == 400, answer.data
    assert answer.data["type"] == "validation_error"
    error = answer.data["errors"][0]
    assert len(error["detail"]) > 5
    if attr is not None:
        assert error["attr"] == attr
    assert OllamaServer.objects.count() == 1


def test_an_unknown_field_is_named_in_the_sentence(administrator: APIClient) -> None:
    answer = administrator.post(SERVERS, {"name": "x", "base_url": "http://h", "colour": 1})
    assert answer.data["errors"] == [
        {"code": "unknown_field", "detail": "There is no field “colour” here.", "attr": "colour"}
    ]


def test_a_check_answers_with_the_new_status(
    administrator: APIClient, unused_tcp_port: int
) -> None:
    server = OllamaServerFactory(base_url=f"http://127.0.0.1:{unused_tcp_port}")
    answer = administrator.post(f"{SERVERS}{server.pk}/check/")
    assert answer.status_code == 200, answer.data
    assert answer.data["status"] != "online" or answer.data["reason"]
    assert answer.data["reason"] == "unreachable"
    assert answer.data["message"]


def test_a_sync_is_queued(administrator: APIClient) -> None:
    server = OllamaServerFactory()
    answer = administrator.post(f"{SERVERS}{server.pk}/sync/", {"on_conflict": "report"})
    assert answer.status_code == 202, answer.data
    task = answer.data["task"]
    assert (task["type"], task["resource_type"], task["resource_id"], task["state"]) == (
        "server.sync",
        "server",
        server.pk,
        "queued",
    )
    assert Task.objects.get(pk=task["id"]).payload == {"on_conflict": "report"}


def test_a_wrong_way_to_settle_conflicts_is_400(administrator: APIClient) -> None:
    server = OllamaServerFactory()
    answer = administrator.post(f"{SERVERS}{server.pk}/sync/", {"on_conflict": "guess"})
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"] == "on_conflict"


def test_a_server_is_forgotten_with_its_models(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    address = f"{SERVERS}{model.server.pk}/"
    assert administrator.delete(address).status_code == 204
    assert administrator.get(address).status_code == 404
    assert administrator.get("/api/v1/models/").data["count"] == 0


def test_a_server_with_work_under_way_is_not_forgotten(administrator: APIClient) -> None:
    model = OllamaModelFactory(last_task=TaskFactory())
    answer = administrator.delete(f"{SERVERS}{model.server.pk}/")
    assert answer.status_code == 409
    assert answer.data["errors"][0]["code"] == "conflict"
    assert OllamaServer.objects.exists()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=offline", ["b"]),
        ("status=offline,online", ["a", "b"]),
        ("status=offline&status=online", ["a", "b"]),
        ("search=A", ["a"]),
        ("name=b", ["b"]),
        ("kind=container", []),
        ("ordering=-name", ["b", "a"]),
        ("ordering=latency_ms", ["b", "a"]),
        ("ordering=-latency_ms", ["b", "a"]),
    ],
)
def test_the_list_is_filtered_and_ordered(
    administrator: APIClient, query: str, names: list[str]
) -> None:
    OllamaServerFactory(name="a")
    OllamaServerFactory(name="b", status="offline", latency_ms=3.5)
    answer = administrator.get(f"{SERVERS}?{query}")
    assert [row["name"] for row in answer.data["results"]] == names


def test_hundred_servers_cost_as_many_queries_as_ten(administrator: APIClient) -> None:
    OllamaServerFactory.create_batch(10)
    few = count_queries(lambda: administrator.get(f"{SERVERS}?page_size=200"))
    OllamaServerFactory.create_batch(90)
    assert count_queries(lambda: administrator.get(f"{SERVERS}?page_size=200")) == few
