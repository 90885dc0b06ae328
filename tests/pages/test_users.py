"""Administrators make users, give them roles, shut them out and set their passwords."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD, UserFactory
from tests.pages.conftest import ClientOf

pytestmark = pytest.mark.django_db
NEW = "Battery staple 47"
USERS = reverse("admin:auth_user_changelist")


def _log_in(name: str, password: str) -> Client:
    client = Client()
    client.post(reverse("admin:login"), {"username": name, "password": password})
    return client


def _in(client: Client) -> bool:
    return client.get(reverse("admin:index")).status_code == 200


def test_a_new_user_has_its_role_at_once(administrator: Client) -> None:
    form = administrator.get(reverse("admin:auth_user_add")).content.decode()
    for name in ("administrator", "operator", "viewer"):
        assert name in form
    role = Group.objects.get(name="operator")
    fields = {"username": "vera", "password1": NEW, "password2": NEW, "groups": [role.pk]}
    assert administrator.post(reverse("admin:auth_user_add"), fields).status_code == 302
    assert list(User.objects.get(username="vera").groups.all()) == [role]
    vera = _log_in("vera", NEW)
    assert vera.get(reverse("admin:models")).status_code == 200
    assert vera.get(reverse("admin:model-add")).status_code == 200
    assert vera.get(USERS).status_code == 403


def test_a_weak_password_is_refused_with_the_reason(administrator: Client) -> None:
    fields = {"username": "vera", "password1": "1234", "password2": "1234"}
    answer = administrator.post(reverse("admin:auth_user_add"), fields)
    assert "too short" in answer.content.decode()
    assert not User.objects.filter(username="vera").exists()


def test_another_role_counts_from_the_next_request_on(administrator: Client) -> None:
    user = UserFactory(role="operator")
    client = _log_in(user.username, PASSWORD)
    assert client.get(reverse("admin:model-add")).status_code == 200
    url = reverse("admin:auth_user_change", args=[user.pk])
    viewer = Group.objects.get(name="viewer")
    fields = {"username": user.username, "is_active": "on", "groups": [viewer.pk]}
    assert administrator.post(url, fields).status_code == 302
    assert client.get(reverse("admin:model-add")).status_code == 403


def test_who_is_made_inactive_is_out_at_once(administrator: Client) -> None:
    user = UserFactory(role="operator")
    client = _log_in(user.username, PASSWORD)
    assert _in(client)
    url = reverse("admin:auth_user_change", args=[user.pk])
    assert administrator.post(url, {"username": user.username}).status_code == 302
    assert not _in(client)
    assert not _in(_log_in(user.username, PASSWORD))


def test_a_password_is_set_anew_and_ends_the_old_logins(administrator: Client) -> None:
    user = UserFactory(role="viewer")
    client = _log_in(user.username, PASSWORD)
    url = reverse("admin:auth_user_password_change", args=[user.pk])
    fields = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert administrator.post(url, fields).status_code == 302
    assert not _in(client)
    assert not _in(_log_in(user.username, PASSWORD))
    assert _in(_log_in(user.username, NEW))


def test_the_list_shows_roles_in_a_fixed_number_of_queries(
    administrator: Client, django_assert_max_num_queries: object
) -> None:
    UserFactory(username="vera", role="operator")
    for _number in range(20):
        UserFactory(role="viewer")
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        page = administrator.get(USERS).content.decode()
    assert "operator" in page


@pytest.mark.parametrize("role", [None, "viewer", "operator"])
def test_nobody_else_gets_there(client_of: ClientOf, role: str | None) -> None:
    user = UserFactory()
    client = client_of(role)
    for name, arguments in (
        ("auth_user_changelist", []),
        ("auth_user_add", []),
        ("auth_user_change", [user.pk]),
        ("auth_user_password_change", [user.pk]),
        ("auth_user_delete", [user.pk]),
        ("auth_group_changelist", []),
        ("audit_app_auditrecord_changelist", []),
        ("audit_app_apitoken_changelist", []),
    ):
        url = reverse(f"admin:{name}", args=arguments)
        assert client.get(url).status_code == 403, url
        assert client.post(url, {"password1": NEW, "password2": NEW}).status_code == 403, url
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
