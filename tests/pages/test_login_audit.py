"""Logins, logouts and failed logins are in the audit."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from audit_app.choices import Origin, Outcome
from audit_app.models import AuditRecord
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
LOGIN = reverse("admin:login")


def _log_in(client: Client, name: str, password: str = PASSWORD) -> None:
    client.post(LOGIN, {"username": name, "password": password})


def _records() -> list[tuple[str, str, str]]:
    """What was done, what became of it, and to whom; the oldest first."""
    rows = AuditRecord.objects.order_by("pk").values_list("verb", "outcome", "resource_name")
    return [(verb, outcome, name) for verb, outcome, name in rows]


def test_a_login_and_a_logout_are_recorded(client: Client, user: User) -> None:
    _log_in(client, user.username)
    client.post(reverse("admin:logout"))
    assert _records() == [
        ("user.login", Outcome.DONE, user.username),
        ("user.logout", Outcome.DONE, user.username),
    ]
    record = AuditRecord.objects.earliest("pk")
    assert (record.user, record.origin, record.address) == (user, Origin.PAGE, "127.0.0.1")


def test_a_wrong_password_is_nobodys_doing_and_about_the_user(client: Client, user: User) -> None:
    _log_in(client, user.username, "wrong")
    assert _records() == [("user.login", Outcome.REFUSED, user.username)]
    record = AuditRecord.objects.get()
    assert record.user is None
    assert record.user_name == ""
    assert "wrong" not in str(record.data)


def test_a_password_in_the_wrong_field_is_not_kept(client: Client, user: User) -> None:
    for guess in (PASSWORD, "root", "administrator"):
        _log_in(client, guess)
    assert _records() == [("user.login", Outcome.REFUSED, "")]
    long_ago = timezone.now() - timedelta(minutes=2)
    AuditRecord.objects.update(at=long_ago)
    _log_in(client, "root")
    assert len(_records()) == 2


def test_strange_names_are_no_error(client: Client) -> None:
    for name in ("x" * 500, "名" * 10, ""):
        _log_in(client, name)
    assert {name for _verb, _outcome, name in _records()} <= {""}


@override_settings(AXES_ENABLED=True)
def test_who_is_locked_out_does_not_fill_the_audit(client: Client, user: User) -> None:
    for _try in range(12):
        _log_in(client, user.username, "wrong")
    refused = [("user.login", Outcome.REFUSED, user.username)]
    assert _records() == refused * 5


@pytest.mark.parametrize(
    ("agent", "origin"), [("curl/8", Origin.API), ("ollamactl/1.0", Origin.COMMAND)]
)
def test_a_login_over_the_api_says_so(client: Client, agent: str, origin: Origin) -> None:
    user = UserFactory()
    basic = base64.b64encode(f"{user.username}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "User-Agent": agent}
    answer = client.post("/api/v1/auth/login/", headers=headers, content_type="application/json")
    assert answer.status_code == 200
    assert AuditRecord.objects.get(verb="user.login").origin == origin
    token = {"Authorization": f"Token {answer.json()['token']}", "User-Agent": agent}
    client.post("/api/v1/auth/logout/", headers=token, content_type="application/json")
    assert AuditRecord.objects.get(verb="user.logout").origin == origin
