"""Who may open the socket: a page by its session, a program by its token, nobody else."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit_app.models import ApiToken
from tests.socket.conftest import NewUser, Open

pytestmark = pytest.mark.alone

FOREIGN = "http://elsewhere.example"


def test_a_page_of_the_panel_is_let_in_by_its_session(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    user = new_user()
    hello = open_socket(browser_of(user)).next()
    assert hello["type"] == "hello"
    assert hello["data"]["user"] == {"id": user.pk, "username": "vera"}
    assert hello["subject"] == f"user:{user.pk}"


@pytest.mark.parametrize(
    "origin",
    [FOREIGN, "null", None, "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost"],
)
def test_a_session_does_not_count_for_another_origin(
    open_socket: Open, new_user: NewUser, browser_of: Any, origin: str | None
) -> None:
    listener = open_socket(browser_of(new_user()), origin=origin)
    listener.subscribe("models")
    assert listener.close_code() == 4401
    assert [message["type"] for message in listener.received] == ["error"]
    assert listener.received[0]["data"]["code"] == "not_authenticated"


def test_a_page_without_a_login_is_turned_away_at_its_first_message(open_socket: Open) -> None:
    listener = open_socket()
    began = time.monotonic()
    listener.subscribe("models")
    assert listener.close_code() == 4401
    assert time.monotonic() - began < 3


def test_who_says_nothing_is_turned_away_after_five_seconds(open_socket: Open) -> None:
    listener = open_socket(origin=None)
    began = time.monotonic()
    assert listener.close_code(timeout=9) == 4401
    assert 4 < time.monotonic() - began < 7


@pytest.mark.parametrize("origin", [FOREIGN, None, "own"])
def test_a_program_is_let_in_by_its_token(
    open_socket: Open, new_user: NewUser, origin: str | None
) -> None:
    user = new_user()
    token, text = ApiToken.objects.create(user)
    listener = open_socket(origin=origin)
    listener.send({"type": "auth", "token": text})
    assert listener.next()["data"]["user"]["id"] == user.pk
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_a_token_counts_more_than_a_cookie(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    program = new_user("program")
    _, text = ApiToken.objects.create(program)
    listener = open_socket(browser_of(new_user("person")))
    listener.send({"type": "auth", "token": text})
    assert listener.next()["data"]["user"]["username"] == "person"
    assert listener.next()["data"]["user"]["username"] == "program"


def test_a_bad_token_closes_even_with_a_good_cookie(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    listener = open_socket(browser_of(new_user()))
    listener.send({"type": "auth", "token": "0" * 64})
    assert listener.close_code() == 4401
    assert listener.received[-1]["data"]["code"] == "invalid_token"


@pytest.mark.parametrize(
    "token", ["", "wrong", "x" * 5000, "\ud800", "é" * 64, None, 7, {"a": 1}, ["b"]]
)
def test_what_is_no_token_lets_nobody_in(open_socket: Open, token: object) -> None:
    listener = open_socket(origin=None)
    listener.send({"type": "auth", "token": token})
    assert listener.close_code() == 4401


def test_an_expired_token_lets_nobody_in(open_socket: Open, new_user: NewUser) -> None:
    _, text = ApiToken.objects.create(new_user())
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    listener = open_socket(origin=None)
    listener.send({"type": "auth", "token": text})
    assert listener.close_code() == 4401


def test_the_token_of_a_user_who_was_switched_off_lets_nobody_in(
    open_socket: Open, new_user: NewUser
) -> None:
    user = new_user()
    _, text = ApiToken.objects.create(user)
    user.is_active = False
    user.save()
    listener = open_socket(origin=None)
    listener.send({"type": "auth", "token": text})
    assert listener.close_code() == 4401


def test_a_token_is_taken_in_the_first_message_only(
    open_socket: Open, new_user: NewUser, browser_of: Any
) -> None:
    _, text = ApiToken.objects.create(new_user("other"))
    listener = open_socket(browser_of(new_user()))
    listener.send({"type": "ping"})
    listener.send({"type": "auth", "token": text})
    assert listener.next("error")["data"]["code"] == "unknown_type"
    listener.hears_nothing_but()
