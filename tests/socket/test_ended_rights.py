"""A socket is closed within five seconds when what let it in has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from audit_app.models import ApiToken
from tests.components.waiting import wait_until
from tests.socket.client import Listener
from tests.socket.conftest import NewUser, Open

SOON = 15.0  # 5 s on a machine that has time; this only tells late from never


def log_out(user: User, client: Client) -> None:
    client.logout()


def end_session(user: User, client: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def change_password(user: User, client: Client) -> None:
    user.set_password("another")
    user.save()


def switch_off(user: User, client: Client) -> None:
    user.is_active = False
    user.save()


def delete_user(user: User, client: Client) -> None:
    user.delete()


@pytest.mark.parametrize("end", [log_out, end_session, change_password, switch_off, delete_user])
def test_a_session_that_ends_closes_its_sockets(
    open_socket: Open,
    new_user: NewUser,
    browser_of: Any,
    end: Callable[[User, Client], None],
) -> None:
    user = new_user()
    client = browser_of(user)
    listeners = [open_socket(client), open_socket(client)]
    for listener in listeners:
        listener.subscribe("models")
        listener.next("snapshot")
    end(user, client)
    assert [listener.close_code(SOON) for listener in listeners] == [4401, 4401]


def test_a_logout_leaves_the_users_other_session_open(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    user = new_user()
    here, there = browser_of(user), browser_of(user)
    ended, kept = open_socket(here), open_socket(there)
    ended.next("hello")
    kept.next("hello")
    here.logout()
    assert ended.close_code(SOON) == 4401
    kept.hears_nothing_but()


def by_token(user: User, open_socket: Open) -> Listener:
    _, text = ApiToken.objects.create(user)
    listener = open_socket(origin=None)
    listener.send({"type": "auth", "token": text})
    listener.next("hello")
    return listener


def revoke() -> None:
    ApiToken.objects.all().delete()


def expire() -> None:
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("end", [revoke, expire])
def test_a_token_that_ends_closes_its_sockets(
    open_socket: Open, new_user: NewUser, end: Callable[[], None]
) -> None:
    listener = by_token(new_user(), open_socket)
    end()
    assert listener.close_code(SOON) == 4401


def test_a_password_change_does_not_end_a_token(open_socket: Open, new_user: NewUser) -> None:
    user = new_user()
    program = by_token(user, open_socket)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    page = open_socket(client)
    page.next("hello")
    change_password(user, client)
    assert page.close_code(SOON) == 4401
    program.hears_nothing_but()


def leave_group(user: User) -> None:
    user.groups.clear()


def strip_group(user: User) -> None:
    group = Group.objects.get(name="viewer")
    group.permissions.remove(group.permissions.get(codename="view_ollamamodel"))


@pytest.mark.parametrize("lose", [leave_group, strip_group])
def test_a_lost_permission_closes_the_sockets_that_used_it(
    open_socket: Open, new_user: NewUser, browser_of: Any, lose: Callable[[User], None]
) -> None:
    user = new_user()
    client = browser_of(user)
    models, nothing = open_socket(client), open_socket(client)
    models.subscribe("models")
    models.next("snapshot")
    nothing.next("hello")
    lose(user)
    assert models.close_code(SOON) == 4403
    nothing.hears_nothing_but()
    nothing.subscribe("models")
    assert nothing.close_code() == 4403


def test_a_permission_that_was_gained_counts_on_an_open_socket(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    user = new_user()
    user.groups.clear()
    user.groups.add(Group.objects.create(name="servers only"))
    Group.objects.get(name="servers only").permissions.add(
        *Group.objects.get(name="viewer").permissions.filter(codename="view_ollamaserver")
    )
    listener = open_socket(browser_of(user))
    listener.subscribe("servers", "models")
    assert listener.next("error")["data"]["topics"] == ["models"]
    listener.next("snapshot")
    user.groups.add(Group.objects.get(name="viewer"))

    def is_heard() -> bool:
        listener.subscribe("models")
        while (message := listener.next())["type"] not in ("snapshot", "error"):
            pass
        return bool(message["type"] == "snapshot")

    wait_until(is_heard, "the new permission counts", SOON)
