"""What administrators do to people, roles and tokens in the admin is in the audit."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from audit_app.models import ApiToken, AuditRecord
from tests.factories import token_of

NEW = "Battery staple 47"


@pytest.fixture(autouse=True)
def no_records_yet(administrator: Client) -> None:
    AuditRecord.objects.all().delete()


def form_of(user: User, **fields: Any) -> dict[str, Any]:
    """The user's form as a browser sends it."""
    return {"username": user.username, "is_active": "on", **fields}


def only_record() -> AuditRecord:
    record = AuditRecord.objects.get()
    assert record.user is not None
    assert record.user.groups.get().name == "administrator"
    assert (record.origin, record.address) == ("page", "127.0.0.1")
    return record


def test_a_new_user_is_recorded_without_the_password(administrator: Client) -> None:
    fields = {"username": "new", "password1": NEW, "password2": NEW, "usable_password": "true"}
    answer = administrator.post(reverse("admin:auth_user_add"), fields)
    assert answer.status_code == 302
    record = only_record()
    assert (record.verb, record.resource_name) == ("user.add", "new")
    assert record.resource_id == User.objects.get(username="new").pk
    assert record.data == {"is_active": True, "is_superuser": False, "groups": []}


def test_other_rights_of_a_user_are_recorded(administrator: Client, user: User) -> None:
    role = Group.objects.get(name="operator")
    url = reverse("admin:auth_user_change", args=[user.pk])
    assert administrator.post(url, form_of(user, groups=[role.pk])).status_code == 302
    record = only_record()
    assert (record.verb, record.resource_type) == ("user.change", "user")
    assert record.data["groups"] == ["operator"]
    assert "Roles" in record.data["changes"][0]["changed"]["fields"]


def test_another_password_of_a_user_is_recorded(administrator: Client, user: User) -> None:
    url = reverse("admin:auth_user_password_change", args=[user.pk])
    fields = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert administrator.post(url, fields).status_code == 302
    user.refresh_from_db()
    assert user.check_password(NEW)
    record = only_record()
    assert record.verb == "user.change"
    assert NEW not in str(record.data)


def test_deleted_users_are_recorded_one_by_one(administrator: Client, user: User) -> None:
    other = User.objects.create(username="other")
    action = {"action": "delete_selected", "_selected_action": [user.pk, other.pk], "post": "yes"}
    assert administrator.post(reverse("admin:auth_user_changelist"), action).status_code == 302
    assert not User.objects.filter(pk__in=[user.pk, other.pk]).exists()
    names = set(AuditRecord.objects.filter(verb="user.delete").values_list("resource_name"))
    assert names == {(user.username,), ("other",)}


def test_a_new_role_is_recorded(administrator: Client) -> None:
    assert administrator.post(reverse("admin:auth_group_add"), {"name": "guest"}).status_code == 302
    assert (only_record().verb, only_record().resource_name) == ("role.add", "guest")


def test_a_revoked_token_is_recorded(administrator: Client, user: User) -> None:
    token_of(user)
    url = reverse("admin:audit_app_apitoken_delete", args=[ApiToken.objects.get().pk])
    assert administrator.post(url, {"post": "yes"}).status_code == 302
    assert not ApiToken.objects.exists()
    assert (only_record().verb, only_record().resource_name) == ("token.revoke", "test")
