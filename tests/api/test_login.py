"""Getting in with HTTP Basic, using a token, and getting out."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from audit_app.models import ApiToken, AuditRecord
from tests.factories import PASSWORD, UserFactory, token_of

LOGIN = "/api/v1/auth/login/"


def basic(username: str, password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def log_in(client: APIClient, username: str, password: str = PASSWORD, **body: Any) -> Any:
    return client.post(LOGIN, body, HTTP_AUTHORIZATION=basic(username, password))


def with_token(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    return client


def test_a_login_gives_a_token_that_works(anonymous: APIClient) -> None:
    user = UserFactory(role="viewer")
    answer = log_in(anonymous, user.username, name="laptop")
    assert answer.status_code == 200
    assert set(answer.data) == {"token", "expiry"}
    left = datetime.fromisoformat(answer.data["expiry"]) - timezone.now()
    assert timedelta(days=29) < left <= timedelta(days=30)
    me = with_token(answer.data["token"]).get("/api/v1/me/")
    assert me.data["user"]["username"] == user.username
    assert me.data["user"]["groups"] == ["viewer"]
    assert "models_app.view_ollamamodel" in me.data["permissions"]
    assert "models_app.pull_ollamamodel" not in me.data["permissions"]


def test_the_token_itself_is_not_stored_and_the_login_is_recorded(anonymous: APIClient) -> None:
    user = UserFactory()
    text = log_in(anonymous, user.username).data["token"]
    row = ApiToken.objects.get(user=user)
    assert text not in (row.digest, row.token_key)
    record = AuditRecord.objects.get(verb="token.create")
    assert record.user == user
    assert text not in str(record.data)


@pytest.mark.parametrize("password", ["wrong", "", "a" * 5000])
def test_a_wrong_password_is_401_in_the_one_shape(anonymous: APIClient, password: str) -> None:
    user = UserFactory()
    answer = log_in(anonymous, user.username, password)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic")
    assert answer.data["errors"][0]["code"] == "wrong_credentials"


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Token x"]
)
def test_a_login_without_name_and_password_is_401(anonymous: APIClient, header: str) -> None:
    assert anonymous.post(LOGIN, HTTP_AUTHORIZATION=header).status_code == 401


@pytest.mark.parametrize("username", ["nobody", "nul\0name", "long" * 100, "名字"])
def test_unknown_and_odd_names_are_401(anonymous: APIClient, username: str) -> None:
    assert log_in(anonymous, username).status_code == 401


def test_a_user_who_is_switched_off_gets_no_token(anonymous: APIClient) -> None:
    user = UserFactory(is_active=False)
    assert log_in(anonymous, user.username).status_code == 401


@override_settings(AXES_ENABLED=True)
def test_wrong_passwords_lock_the_user_out_for_that_address(anonymous: APIClient) -> None:
    user = UserFactory()
    answers = [log_in(anonymous, user.username, "wrong").status_code for _ in range(5)]
    assert answers[:4] == [401] * 4
    locked = log_in(anonymous, user.username)
    assert locked.status_code == 429
    assert locked.json()["errors"][0]["code"] == "locked_out"
    assert int(locked["Retry-After"]) > 0
    elsewhere = anonymous.post(
        LOGIN, HTTP_AUTHORIZATION=basic(user.username), REMOTE_ADDR="192.0.2.7"
    )
    assert elsewhere.status_code == 200


def test_many_logins_from_one_address_are_slowed_down(anonymous: APIClient) -> None:
    answers = [log_in(anonymous, "nobody").status_code for _ in range(31)]
    assert answers[:30] == [401] * 30
    assert answers[30] == 429


def test_a_spoofed_address_does_not_get_around_the_limit(anonymous: APIClient) -> None:
    answers = [
        anonymous.post(
            LOGIN,
            HTTP_AUTHORIZATION=basic("nobody"),
            HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
        ).status_code
        for number in range(31)
    ]
    assert answers[-1] == 429


@pytest.mark.parametrize(
    "header",
    ["Token", "Token a b", "Token " + "0" * 64, "Token " + "0" * 5000, "Token \xff\xfe", "token x"],
)
def test_a_bad_token_is_401_with_the_way_in(anonymous: APIClient, header: str) -> None:
    answer = anonymous.get("/api/v1/me/", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
    assert answer.json()["errors"][0]["code"] == "invalid_token"


def test_no_login_is_401_with_the_way_in(anonymous: APIClient) -> None:
    answer = anonymous.get("/api/v1/models/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
    assert answer.json() == {
        "type": "client_error",
        "errors": [
            {
                "code": "not_authenticated",
                "detail": "Authentication credentials were not provided.",
                "attr": None,
            }
        ],
    }


def test_an_expired_token_is_401(db: None) -> None:
    text = token_of(UserFactory(), expires_in=timedelta(seconds=-1))
    assert with_token(text).get("/api/v1/me/").status_code == 401


def test_a_token_ends_with_its_user(db: None) -> None:
    user = UserFactory()
    client = with_token(token_of(user))
    assert client.get("/api/v1/me/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/api/v1/me/").status_code == 401


def test_logout_ends_this_token_and_no_other(db: None) -> None:
    user = UserFactory()
    first, second = with_token(token_of(user)), with_token(token_of(user))
    assert first.post("/api/v1/auth/logout/").status_code == 204
    assert first.get("/api/v1/me/").status_code == 401
    assert second.get("/api/v1/me/").status_code == 200


def test_logout_ends_a_session(db: None) -> None:
    client = APIClient()
    client.force_login(UserFactory())
    assert client.get("/api/v1/me/").status_code == 200
    assert client.post("/api/v1/auth/logout/").status_code == 204
    assert client.get("/api/v1/me/").status_code == 401


def test_a_session_without_its_csrf_token_changes_nothing(db: None) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(UserFactory())
    assert client.get("/api/v1/me/").status_code == 200
    assert client.post("/api/v1/tokens/", {"name": "x"}).status_code == 403
    assert not ApiToken.objects.exists()
