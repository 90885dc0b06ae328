"""A user's named tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from audit_app.models import ApiToken, AuditRecord
from tests.factories import UserFactory, token_of

TOKENS = "/api/v1/tokens/"


@pytest.fixture
def client(db: None) -> APIClient:
    user = UserFactory(username="ada")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
    return client


def test_a_token_is_shown_once(client: APIClient) -> None:
    made = client.post(TOKENS, {"name": "backup job"})
    assert made.status_code == 201
    text = made.data["token"]
    other = APIClient()
    other.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    assert other.get("/api/v1/me/").data["user"]["username"] == "ada"
    shown = client.get(f"{TOKENS}{made.data['id']}/").data
    assert "token" not in shown
    assert shown["name"] == "backup job"
    assert text.startswith(shown["prefix"])
    assert text not in str(client.get(TOKENS).data)


def test_the_token_in_use_is_marked(client: APIClient) -> None:
    client.post(TOKENS, {"name": "other"})
    rows = client.get(TOKENS).data["results"]
    assert {row["name"]: row["current"] for row in rows} == {"test": True, "other": False}


@pytest.mark.parametrize(("expiry", "days"), [(None, None), ("soon", 2), ("left out", 30)], ids=str)
def test_the_expiry_is_the_users_choice(client: APIClient, expiry: Any, days: int | None) -> None:
    body: dict[str, Any] = {"name": "x"}
    if expiry != "left out":
        body["expiry"] = timezone.now() + timedelta(days=2) if expiry else None
    data = client.post(TOKENS, body).data
    row = ApiToken.objects.get(pk=data["id"])
    if days is None:
        assert row.expiry is None
    else:
        left = row.expiry - timezone.now()
        assert timedelta(days=days - 1) < left <= timedelta(days=days)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "x", "expiry": "2001-01-01T00:00:00Z"},
        {"name": "x", "expiry": "tomorrow"},
        {"name": "x", "digest": "0"},
        {"name": "nul\0"},
        {"name": ["x"]},
    ],
)
def test_bad_input_is_400_and_names_the_field(client: APIClient, body: dict[str, Any]) -> None:
    answer = client.post(TOKENS, body)
    assert answer.status_code == 400
    assert answer.data["errors"][0]["detail"]
    assert ApiToken.objects.count() == 1


def test_a_revoked_token_is_useless_at_once(client: APIClient) -> None:
    made = client.post(TOKENS, {"name": "x"}).data
    other = APIClient()
    other.credentials(HTTP_AUTHORIZATION=f"Token {made['token']}")
    assert client.delete(f"{TOKENS}{made['id']}/").status_code == 204
    assert other.get("/api/v1/me/").status_code == 401
    assert AuditRecord.objects.filter(verb="token.revoke", resource_id=made["id"]).exists()


def test_the_tokens_of_others_are_not_there(client: APIClient) -> None:
    token_of(UserFactory())
    others = ApiToken.objects.exclude(user__username="ada").get()
    assert client.get(f"{TOKENS}{others.pk}/").status_code == 404
    assert client.delete(f"{TOKENS}{others.pk}/").status_code == 404
    assert client.get(TOKENS).data["count"] == 1


def test_the_last_use_is_written_once_a_minute(
    client: APIClient, django_assert_num_queries: Any
) -> None:
    client.get("/api/v1/me/")
    row = ApiToken.objects.get()
    assert row.last_used_at is not None
    client.get("/api/v1/me/")
    assert ApiToken.objects.get().last_used_at == row.last_used_at
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get("/api/v1/me/")
    assert ApiToken.objects.get().last_used_at > row.last_used_at


def test_other_tokens_cost_a_request_nothing(
    client: APIClient, django_assert_max_num_queries: Any
) -> None:
    user = ApiToken.objects.get().user
    for _ in range(5):
        token_of(user, expires_in=timedelta(days=-1))
    client.get("/api/v1/me/")
    with django_assert_max_num_queries(4):  # the token, two for permissions, the groups
        client.get("/api/v1/me/")
