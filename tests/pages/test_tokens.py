"""A user's own API tokens and password, in pages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from audit_app.models import ApiToken, AuditRecord
from audit_app.passwords import create_first_administrator
from tests.factories import PASSWORD, UserFactory, token_of
from tests.pages.conftest import HTMX, ClientOf

pytestmark = pytest.mark.django_db
TOKENS, ADD = reverse("admin:tokens"), reverse("admin:token-add")
SECRET = re.compile(r'<code id="token-text"[^>]*>([^<]+)</code>')
NEW = "Battery staple 47"


def _own(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


@pytest.fixture
def nobody(client_of: ClientOf) -> Client:
    """A client of a user without any role: tokens need none."""
    return client_of(None)


def test_a_token_is_shown_once_and_works(nobody: Client) -> None:
    assert "You have no tokens" in nobody.get(TOKENS).content.decode()
    answer = nobody.post(ADD, {"name": "backup script", "expires": "30"}, headers=HTMX)
    text = SECRET.findall(answer.content.decode())[0]
    assert 'hx-swap-oob="true"' in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    page = nobody.get(TOKENS).content.decode()
    assert "backup script" in page
    assert text not in page
    me = Client().get("/api/v1/me/", headers={"Authorization": f"Token {text}"})
    assert me.json()["user"]["username"] == _own(nobody).username
    token = ApiToken.objects.get()
    assert token.expiry is not None
    assert abs(token.expiry - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    record = AuditRecord.objects.get(verb="token.create")
    assert (record.origin, record.resource_name) == ("page", "backup script")
    assert text not in str(record.data)


def test_a_token_for_ever_is_one(nobody: Client) -> None:
    nobody.post(ADD, {"name": "x", "expires": "never"})
    assert ApiToken.objects.get().expiry is None


@pytest.mark.parametrize(
    "fields", [{}, {"name": " ", "expires": "30"}, {"name": "x" * 101, "expires": "30"},
               {"name": "x", "expires": "4000"}],
)  # fmt: skip
def test_a_wrong_form_says_what_is_wrong(nobody: Client, fields: dict[str, str]) -> None:
    answer = nobody.post(ADD, fields, headers=HTMX)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_useless_at_once(nobody: Client) -> None:
    text = token_of(_own(nobody))
    token = ApiToken.objects.get()
    url = reverse("admin:token-revoke", args=[token.pk])
    assert "Revoke “test”?" in nobody.get(url, headers=HTMX).content.decode()
    assert ApiToken.objects.exists()
    answer = nobody.post(url, headers=HTMX)
    assert answer.headers["HX-Redirect"] == TOKENS
    me = Client().get("/api/v1/me/", headers={"Authorization": f"Token {text}"})
    assert me.status_code == 401
    assert AuditRecord.objects.filter(verb="token.revoke", user=_own(nobody)).exists()


def test_tokens_of_others_are_not_there(nobody: Client, administrator: Client) -> None:
    token_of(_own(nobody))
    token = ApiToken.objects.get()
    url = reverse("admin:token-revoke", args=[token.pk])
    assert administrator.get(url).status_code == 404
    assert administrator.post(url, headers=HTMX).status_code == 404
    assert "You have no tokens" in administrator.get(TOKENS).content.decode()
    assert ApiToken.objects.exists()


def test_an_expired_token_is_said_to_be(nobody: Client) -> None:
    token_of(_own(nobody), expires_in=timedelta(days=-1))
    assert "expired" in nobody.get(TOKENS).content.decode()


def test_without_a_login_there_are_none(client: Client) -> None:
    for url in (TOKENS, ADD, reverse("admin:token-revoke", args=[1])):
        assert client.get(url).headers["Location"].startswith(reverse("admin:login"))
        assert client.get(url, headers=HTMX).status_code == 401


def test_own_pages_are_in_the_menu(nobody: Client) -> None:
    page = nobody.get(reverse("admin:index")).content.decode()
    for url in (TOKENS, reverse("admin:password_change")):
        assert f'href="{url}"' in page


def test_a_new_password_works_and_ends_the_first_ones_file(
    settings: Settings, tmp_path: Path
) -> None:
    settings.INITIAL_PASSWORD_FILE = tmp_path / "initial-password"
    create_first_administrator()
    first = settings.INITIAL_PASSWORD_FILE.read_text().strip()
    client = Client()
    client.post(reverse("admin:login"), {"username": "admin", "password": first})
    fields = {"old_password": first, "new_password1": NEW, "new_password2": NEW}
    url = reverse("admin:password_change")
    assert client.post(url, {**fields, "old_password": "wrong"}).status_code == 200
    assert settings.INITIAL_PASSWORD_FILE.exists()
    assert not AuditRecord.objects.filter(verb="user.change_password").exists()
    assert client.post(url, fields).status_code == 302
    assert not settings.INITIAL_PASSWORD_FILE.exists()
    assert User.objects.get(username="admin").check_password(NEW)
    assert client.get(reverse("admin:index")).status_code == 200, "the login goes on"
    record = AuditRecord.objects.get(verb="user.change_password")
    assert (record.user_name, record.data) == ("admin", {})


def test_everybody_changes_the_own_password(nobody: Client) -> None:
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert nobody.post(reverse("admin:password_change"), fields).status_code == 302
    assert _own(nobody).check_password(NEW)
    other = UserFactory()
    assert other.check_password(PASSWORD)
