"""Who may read the figures: a token's user with the permission, or this machine where told so."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from ollamactl.settings.env import Config, ConfigurationError
from tests.factories import UserFactory, token_of

ROLES = {"administrator": 200, "operator": 200, "viewer": 200, None: 403}


def client_of(role: str | None, keyword: str = "Bearer") -> APIClient:
    """A client with the token of a fresh user."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"{keyword} {token_of(UserFactory(role=role))}")
    return client


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("keyword", ["Bearer", "Token"])
@pytest.mark.parametrize("role", ROLES, ids=str)
def test_a_token_needs_the_permission(role: str | None, keyword: str) -> None:
    answer = client_of(role, keyword).get("/metrics")
    assert answer.status_code == ROLES[role]
    if answer.status_code == 403:
        assert answer.json()["permission"] == "tasks_app.view_metrics"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("words", ["", "Bearer", "Bearer nonsense", "Basic YWRtaW46eA==", "\x00"])
def test_a_stranger_gets_nothing(words: str) -> None:
    headers = {"authorization": words} if words else {}
    answer = APIClient(raise_request_exception=False).get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"]
    assert "ollamactl_" not in answer.content.decode()


@pytest.mark.usefixtures("db")
def test_a_cookie_alone_gets_nothing(client: Client) -> None:
    client.force_login(UserFactory(role="administrator"))
    assert client.get("/").status_code == 200
    assert client.get("/metrics").status_code == 401


@pytest.mark.usefixtures("db")
def test_this_machine_may_where_the_settings_say_so(client: Client, settings: Any) -> None:
    assert client.get("/metrics", headers={"host": "localhost:8800"}).status_code == 401
    settings.METRICS_FROM_LOOPBACK = True
    for host in ("localhost:8800", "127.0.0.1", "[::1]:9000"):
        assert client.get("/metrics", headers={"host": host}).status_code == 200
    for peer in ("10.0.0.7", "::ffff:10.0.0.7", "fd00::1"):
        answer = client.get("/metrics", headers={"host": "localhost"}, REMOTE_ADDR=peer)
        assert answer.status_code == 401
    # Through a proxy of this machine: it names the panel's public host, or it is a known one.
    assert client.get("/metrics", headers={"host": "panel.example.com"}).status_code == 401
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert client.get("/metrics", headers={"host": "localhost"}).status_code == 401


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(method: str) -> None:
    assert getattr(client_of("administrator"), method)("/metrics").status_code == 405


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("accept", "begins"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/html,*/*;q=0.1", "text/plain"),
        ("text/plain;version=nonsense", "text/plain"),
        ("application/openmetrics-text;version=1.0.0,text/plain", "application/openmetrics-text"),
        ("application/openmetrics-text;version=x", "application/openmetrics-text"),
    ],
)
def test_each_client_gets_a_format_that_it_reads(accept: str, begins: str) -> None:
    answer = client_of("viewer").get("/metrics", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(begins)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("value", ["open", "1", "Loopback"])
def test_the_setting_knows_two_words(value: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        Config.from_environ({"OLLAMACTL_METRICS": value})
    assert problem.value.name == "OLLAMACTL_METRICS"
    assert Config.from_environ({}).metrics == "token"
